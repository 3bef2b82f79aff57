package dev.orrery.handler;

import io.vertx.core.VerticleBase;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A verticle that registers handlers, in its constructor or in {@link #start()}. It needs a public constructor without
 * parameters. {@code start()} is where connections are opened, {@link #stop()} where they are closed; the node calls it when its
 * tasks have ended.
 */
public abstract class HandlerVerticle extends VerticleBase {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,254}");

    private final Map<String, Registration> registered = new LinkedHashMap<>();
    private boolean isComplete;

    /** What was registered under a name. */
    public sealed interface Registration {

        /** Is called on the verticle's event loop. */
        record Direct(TaskHandler handler) implements Registration {}

        /** Is called on a thread of its own. */
        record Blocking(BlockingTaskHandler handler) implements Registration {}
    }

    /**
     * Registers a handler that does not block.
     *
     * @param name 1 to 255 of the characters {@code A-Z a-z 0-9 _ . : / -}, as tasks write it
     */
    protected final void register(String name, TaskHandler handler) {
        add(name, new Registration.Direct(Objects.requireNonNull(handler, "handler")));
    }

    /** Registers a handler that may block: each call has a thread of its own. */
    protected final void registerBlocking(String name, BlockingTaskHandler handler) {
        add(name, new Registration.Blocking(Objects.requireNonNull(handler, "handler")));
    }

    private void add(String name, Registration registration) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("the name of a handler must be 1 to 255 of the characters"
                    + " A-Z a-z 0-9 _ . : / - and begin with a letter, a digit or '_'; was '" + name + "'");
        }
        if (isComplete) {
            throw new IllegalStateException("handler '" + name + "' is registered too late: register it in the"
                    + " constructor, or in start() before its Future completes");
        }
        if (registered.putIfAbsent(name, registration) != null) {
            throw new IllegalArgumentException("handler '" + name + "' is registered twice");
        }
    }

    /** What was registered, by name and in order; nothing can be added any more. The node asks for it after {@link #start()}. */
    public final Map<String, Registration> registrations() {
        isComplete = true;
        return Collections.unmodifiableMap(new LinkedHashMap<>(registered));
    }
}
