package dev.orrery.domain.task;

import static dev.orrery.domain.task.TaskState.*;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * The one place that knows which change of state is legal.
 *
 * <p>An attempt that begins and ends within one commit goes from {@code QUEUED} straight to where its result leads: its
 * start is in the same record.
 */
public final class TaskTransitions {

    private static final Map<TaskState, Map<TaskEvent, TaskState>> TABLE = new EnumMap<>(TaskState.class);

    static {
        from(PENDING).on(TaskEvent.BLOCK, BLOCKED).on(TaskEvent.RELEASE, READY).on(TaskEvent.CANCEL, CANCELLED);
        from(BLOCKED).on(TaskEvent.RELEASE, READY).on(TaskEvent.SKIP, SKIPPED).on(TaskEvent.CANCEL, CANCELLED);
        // Whose time for all attempts is over need not be taken to end.
        from(READY)
                .on(TaskEvent.CLAIM, QUEUED)
                .on(TaskEvent.BLOCK, BLOCKED)
                .on(TaskEvent.TIME_OUT, TIMED_OUT)
                .on(TaskEvent.CANCEL, CANCELLED);
        from(QUEUED).on(TaskEvent.START, RUNNING).on(TaskEvent.HAND_BACK, READY).onResult();
        from(RUNNING).on(TaskEvent.HAND_BACK, READY).onResult();
        from(RETRYING).on(TaskEvent.WAKE, READY).on(TaskEvent.CANCEL, CANCELLED);
        Arrays.stream(values())
                .filter(TaskState::isTerminal)
                .filter(state -> state != SUCCEEDED)
                .forEach(state -> from(state).on(TaskEvent.REOPEN, PENDING));
    }

    private TaskTransitions() {}

    /** The state that follows; throws IllegalStateException where the event may not happen in this state. */
    public static TaskState next(TaskState state, TaskEvent event) {
        return find(state, event)
                .orElseThrow(() -> new IllegalStateException(event + " cannot happen to a task that is " + state));
    }

    /** The state that follows, or nothing where the event may not happen in this state. */
    public static Optional<TaskState> find(TaskState state, TaskEvent event) {
        return Optional.ofNullable(TABLE.getOrDefault(state, Map.of()).get(event));
    }

    private static Row from(TaskState state) {
        return new Row(TABLE.computeIfAbsent(state, _ -> new EnumMap<>(TaskEvent.class)));
    }

    private record Row(Map<TaskEvent, TaskState> next) {

        Row on(TaskEvent event, TaskState state) {
            next.put(event, state);
            return this;
        }

        void onResult() {
            on(TaskEvent.SUCCEED, SUCCEEDED)
                    .on(TaskEvent.FAIL, FAILED)
                    .on(TaskEvent.TIME_OUT, TIMED_OUT)
                    .on(TaskEvent.RETRY, RETRYING)
                    .on(TaskEvent.LOSE, READY)
                    .on(TaskEvent.CANCEL, CANCELLED);
        }
    }
}
