package dev.orrery.cli.text;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/**
 * The signals of the system. Java offers them in {@code sun.misc.Signal} alone, which every Java has and of which the
 * compiler warns in a way that cannot be silenced: hence the reflection.
 */
public final class Signals {

    private Signals() {}

    /**
     * From now on this signal ({@code INT}, {@code TERM}, …) does this instead of what it did before. Each arrival runs it in
     * a new thread. Returns whether the system knows the signal and leaves it to us.
     */
    public static boolean on(String name, Runnable action) {
        try {
            var signal = Class.forName("sun.misc.Signal");
            var handler = Class.forName("sun.misc.SignalHandler");
            var acting = Proxy.newProxyInstance(
                    handler.getClassLoader(), new Class<?>[] {handler}, (proxy, method, arguments) -> {
                        if (method.getName().equals("handle")) {
                            action.run();
                        }
                        return answerTo(method.getName(), proxy, arguments);
                    });
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance(name), acting);
            return true;
        } catch (InvocationTargetException notOurs) {
            return false;
        } catch (ReflectiveOperationException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static @Nullable Object answerTo(String method, Object proxy, Object @Nullable [] arguments) {
        return switch (method) {
            case "equals" -> arguments != null && arguments[0] == proxy;
            case "hashCode" -> System.identityHashCode(proxy);
            case "toString" -> "signal handler";
            default -> null;
        };
    }
}
