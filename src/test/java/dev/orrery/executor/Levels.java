package dev.orrery.executor;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.orrery.executor.Isolation.Level;
import java.util.List;

/** The ways of holding processes together that can be tried on this machine. */
final class Levels {

    private static final Isolation BEST = Isolation.probe();

    private Levels() {}

    /** This level, or an end of the test where the machine does not have it. */
    static Isolation of(Level level) {
        return switch (level) {
            case NAMESPACE -> {
                var missing = "no right to make PID namespaces";
                if (BEST.level() != Level.NAMESPACE && Boolean.parseBoolean(System.getenv("CI"))) {
                    throw new AssertionError(missing);
                }
                assumeTrue(BEST.level() == Level.NAMESPACE, missing);
                yield BEST;
            }
            case SESSION -> new Isolation(Level.SESSION, List.of(), BEST.session());
            case PLAIN -> new Isolation(Level.PLAIN, List.of(), List.of());
        };
    }
}
