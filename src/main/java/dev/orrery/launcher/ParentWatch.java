package dev.orrery.launcher;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Optional;

/**
 * Ends this process at once when the launcher that started it is gone.
 *
 * <p>It watches its own parent's id: the kernel gives a process a new parent in the moment the old one dies, however
 * that came about, and a parent's id cannot pass to another while the child lives. The end is abrupt on purpose: whoever
 * kills the launcher with SIGKILL means this process, and may start the next one right away.
 */
final class ParentWatch implements Runnable {
    static final String LAUNCHER_PID = "orrery.launcher.pid";
    /** 128 + SIGKILL: what the launcher's own end says. */
    static final int EXIT_LAUNCHER_GONE = 137;

    private static final long PERIOD_MILLIS = 100;

    private final long launcher;
    private final Object self;
    private final Method parent;
    private final Method pid;

    private ParentWatch(long launcher) throws ReflectiveOperationException {
        this.launcher = launcher;
        // ProcessHandle came with Java 9, and this class is compiled for 8.
        Class<?> handle = Class.forName("java.lang.ProcessHandle");
        this.self = handle.getMethod("current").invoke(null);
        this.parent = handle.getMethod("parent");
        this.pid = handle.getMethod("pid");
    }

    /** Whether a launcher started this process. */
    static boolean isLaunched() {
        return System.getProperty(LAUNCHER_PID) != null;
    }

    /** Starts the watch where a launcher started us; does nothing otherwise. */
    static void startIfLaunched() throws ReflectiveOperationException {
        if (!isLaunched()) {
            return;
        }
        Thread thread = new Thread(new ParentWatch(Long.parseLong(System.getProperty(LAUNCHER_PID))), "launcher-watch");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void run() {
        try {
            while (parentPid() == launcher) {
                Thread.sleep(PERIOD_MILLIS);
            }
        } catch (InterruptedException | ReflectiveOperationException | RuntimeException broken) {
            System.err.println("orrery: cannot watch the launcher any more, stopping: " + broken);
        }
        Runtime.getRuntime().halt(EXIT_LAUNCHER_GONE);
    }

    private long parentPid() throws IllegalAccessException, InvocationTargetException {
        Optional<?> current = (Optional<?>) parent.invoke(self);
        return current.isPresent() ? (Long) pid.invoke(current.get()) : 0;
    }
}
