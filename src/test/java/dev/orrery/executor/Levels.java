package dev.orrery.executor;

import dev.orrery.executor.Isolation.Level;
import dev.orrery.testing.Needed;
import java.util.List;

/** The ways of holding processes together that can be tried on this machine. */
final class Levels {

    private static final Isolation BEST = Isolation.probe();

    private Levels() {}

    /** This level, or an end of the test where the machine does not have it. */
    static Isolation of(Level level) {
        return switch (level) {
            case NAMESPACE -> {
                Needed.that(BEST.level() == Level.NAMESPACE, "no right to make PID namespaces");
                yield BEST;
            }
            case SESSION -> new Isolation(Level.SESSION, List.of(), BEST.session());
            case PLAIN -> new Isolation(Level.PLAIN, List.of(), List.of());
        };
    }
}
