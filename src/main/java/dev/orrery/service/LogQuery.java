package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.task.LogEntry;
import dev.orrery.domain.task.LogLevel;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Which entries of a log are wanted.
 *
 * @param level the least
 * @param from the earliest time
 * @param to the time before which they were said
 * @param attempt the only one
 */
public record LogQuery(
        Optional<LogLevel> level, Optional<Instant> from, Optional<Instant> to, OptionalInt attempt, int limit) {

    public LogQuery {
        requireNonNull(level, "level");
        requireNonNull(from, "from");
        requireNonNull(to, "to");
        requireNonNull(attempt, "attempt");
    }

    boolean wants(LogEntry entry) {
        return level.map(entry.level()::isAtLeast).orElse(true)
                && from.map(time -> !entry.at().isBefore(time)).orElse(true)
                && to.map(entry.at()::isBefore).orElse(true);
    }
}
