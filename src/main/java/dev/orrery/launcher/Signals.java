package dev.orrery.launcher;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Passes SIGTERM, SIGINT and SIGHUP on to the child.
 *
 * <p>A terminal sends Ctrl-C and its own hang-up to the whole foreground group, thus to the child too. A second copy
 * from us would be taken for the user's second Ctrl-C, which means "stop now", so there we keep it to ourselves.
 *
 * <p>{@code sun.misc.Signal} is reached by reflection: the compiler hides it when it compiles for Java 8, though every
 * Java has it.
 */
final class Signals implements InvocationHandler {
    private static final List<String> NAMES = Arrays.asList("TERM", "INT", "HUP");

    private final List<String> early = new ArrayList<String>();
    private Process child;

    private Signals() {}

    /** From now on these signals no longer end this process; they wait for {@link #sendTo}. */
    static Signals catchAll() {
        Signals signals = new Signals();
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object proxy = Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, signals);
            for (String name : NAMES) {
                signal.getMethod("handle", signal, handler)
                        .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
            }
        } catch (ReflectiveOperationException | RuntimeException impossible) {
            // A JVM that keeps its signals to itself (-Xrs): the child still ends with us, by its watch.
            return signals;
        }
        return signals;
    }

    /** Names the child, and gives it what has arrived before. */
    synchronized void sendTo(Process process) {
        child = process;
        for (String name : early) {
            send(name);
        }
        early.clear();
    }

    /** Called by the JVM for each signal, in a thread of its own. */
    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws ReflectiveOperationException {
        if (method.getName().equals("handle")) {
            Object signal = arguments[0];
            received((String) signal.getClass().getMethod("getName").invoke(signal));
            return null;
        }
        switch (method.getName()) {
            case "equals":
                return proxy == arguments[0];
            case "hashCode":
                return System.identityHashCode(proxy);
            default:
                return "Signals";
        }
    }

    private synchronized void received(String name) {
        if (child == null) {
            early.add(name);
        } else {
            send(name);
        }
    }

    private void send(String name) {
        if (name.equals("TERM")) {
            child.destroy();
        } else if (!terminalSendsToo(name)) {
            kill(name);
        }
    }

    private void kill(String name) {
        try {
            new ProcessBuilder("/bin/kill", "-" + name, String.valueOf(pidOf(child))).start();
        } catch (IOException | ReflectiveOperationException | RuntimeException noSuchTool) {
            // Ending politely by another signal is better than not at all.
            child.destroy();
        }
    }

    private static long pidOf(Process process) throws ReflectiveOperationException {
        try {
            return ((Number) Process.class.getMethod("pid").invoke(process)).longValue();
        } catch (NoSuchMethodException javaEight) {
            Field pid = process.getClass().getDeclaredField("pid");
            pid.setAccessible(true);
            return ((Number) pid.get(process)).longValue();
        } catch (InvocationTargetException unsupported) {
            throw unsupported;
        }
    }

    private static boolean terminalSendsToo(String name) {
        File stat = new File("/proc/self/stat");
        if (!stat.exists()) {
            return System.console() != null;
        }
        try {
            String text = new String(Files.readAllBytes(stat.toPath()), StandardCharsets.ISO_8859_1);
            // After the program's name in brackets: state, parent, group, session, terminal, its foreground group.
            String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
            boolean hasTerminal = !fields[4].equals("0");
            boolean inForeground = fields[2].equals(fields[5]);
            return name.equals("HUP") ? hasTerminal : inForeground;
        } catch (IOException unreadable) {
            return System.console() != null;
        }
    }
}
