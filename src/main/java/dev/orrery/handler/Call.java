package dev.orrery.handler;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** One attempt at a task, as its handler sees it. May be used from any thread. */
public interface Call {

    /** How much a line of the log matters. */
    enum Level {
        DEBUG,
        INFO,
        WARNING,
        ERROR
    }

    /** The name by which the handler was called. */
    String handler();

    /** The task's input as JSON text; {@code null} where it has none. */
    String inputText();

    /** The input as a JsonObject, a JsonArray, a String, a Number, a Boolean, or null. */
    @Nullable Object input();

    /**
     * The input as an object, an empty one where the task has no input.
     *
     * @throws NoRetryException if it is something else
     */
    JsonObject inputObject();

    /** The name of the tenant whose task it is; {@code default} where nobody named one. */
    String tenant();

    UUID runId();

    /** The task in its run; the same for all attempts. */
    UUID taskInstanceId();

    /** 1 for the first. */
    int attempt();

    /** Grows with each claim of the task; who remembers the greatest one seen can refuse what comes late. */
    long fence();

    /**
     * The W3C trace context of this attempt, for what the handler calls itself: the trace that its run was given, else one of
     * the run's own. Absent only where the call came from a node of an earlier version.
     */
    Optional<String> traceparent();

    /** Where the API of the node is on which the handler runs, such as {@code http://127.0.0.1:8080/api/v1}. */
    String api();

    /**
     * The token of this attempt, for the header {@code Authorization: Bearer …}: what is submitted by it is a child of this task, and
     * it may look after its children. Worth nothing once the attempt has ended. Do not log it.
     */
    String token();

    /**
     * Adds a line to the log of the attempt, where it can be followed while the attempt runs. Never waits: of lines that
     * come faster than they can be taken, 256 Ki characters are kept, and the log says how many are missing.
     */
    void log(Level level, String message);

    /** As {@link #log(Level, String)}, with the data as JSON behind the message. */
    void log(Level level, String message, JsonObject data);

    /**
     * Tells how far the work has come, in percent. The latest value is shown in the log; those that were replaced within the
     * same moment are not.
     *
     * @throws IllegalArgumentException for less than 0 or more than 100
     */
    void progress(int percent);

    /**
     * Puts the task off: when the handler ends well, the task is not done but run again after this time, under another attempt
     * that is not charged to its retries; what the handler replies is ignored then. Of several calls the last counts. A task
     * that has had 1,000 attempts fails instead.
     *
     * @throws IllegalArgumentException for less than a second or more than 30 days
     */
    void snooze(Duration time);

    /** Whether the attempt is to end: it was cancelled, took too long, or is no longer wanted by anyone. */
    boolean isStopped();

    /**
     * Runs the action when the attempt is to end, at once if it already is; on the event loop of the verticle, so it must
     * not block. A handler that has not ended {@code tasks.kill-grace} (10 s) later is given up, and its result ignored.
     */
    void onStop(Runnable action);
}
