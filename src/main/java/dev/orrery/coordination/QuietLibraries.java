package dev.orrery.coordination;

import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Keeps the libraries of etcd from speaking to the user: one logs where it found what, another uses memory in a way of which
 * every JDK 25 warns once. Nobody who reads it could do anything about it.
 */
final class QuietLibraries {

    /** Kept, since the JDK forgets the settings of loggers that nobody holds. */
    private static final Logger OF_THE_JDK = Logger.getLogger("io.grpc");

    static {
        OF_THE_JDK.setLevel(Level.WARNING);
        warnNoMore();
    }

    private QuietLibraries() {}

    /** Does it at the first call. */
    static void please() {
        // What there is to do is done when this class is loaded, once.
    }

    /**
     * Lets the JDK believe that it has warned, as its option {@code --sun-misc-unsafe-memory-access=allow} would, which nobody is
     * to remember who starts the jar. The module is open to all for such needs.
     */
    private static void warnNoMore() {
        try {
            var warned = Class.forName("sun.misc.Unsafe").getDeclaredMethod("trySetMemoryAccessWarned");
            warned.setAccessible(true);
            warned.invoke(null);
        } catch (ReflectiveOperationException | RuntimeException _) {
            // A JDK that does it otherwise warns: that is ugly and no more.
        }
    }
}
