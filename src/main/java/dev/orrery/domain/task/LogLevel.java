package dev.orrery.domain.task;

import dev.orrery.domain.WireNamed;
import java.util.Optional;

/** How much an entry of a log matters; the later ones matter more. */
public enum LogLevel implements WireNamed {
    DEBUG,
    INFO,
    WARNING,
    ERROR;

    private static final String SHORT_WARNING = "WARN";

    /** The level with this wire name; throws IllegalArgumentException where there is none. */
    public static LogLevel ofWireName(String name) {
        return WireNamed.of(LogLevel.class, name);
    }

    /** The level that a line names in capitals; {@code WARN} is taken for {@code WARNING}. */
    static Optional<LogLevel> ofLine(String word) {
        var name = word.equals(SHORT_WARNING) ? WARNING.name() : word;
        for (var level : values()) {
            if (level.name().equals(name)) {
                return Optional.of(level);
            }
        }
        return Optional.empty();
    }

    /** Whether an entry of this level is shown where those from {@code least} on are. */
    public boolean isAtLeast(LogLevel least) {
        return compareTo(least) >= 0;
    }
}
