package dev.orrery.store;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.SubmittedState;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/** What became of a {@link TaskSubmission}. */
public sealed interface SubmissionResult {

    /** All of them are there, in their order. */
    record Created(Instant at, List<CreatedTask> tasks) implements SubmissionResult {

        public Created {
            tasks = List.copyOf(tasks);
        }
    }

    /**
     * A task that was asked for.
     *
     * @param isNew false where another one, which has its unique key, stands in for it
     * @param priority the calculated one
     */
    record CreatedTask(TaskInstanceId id, boolean isNew, SubmittedState state, int depth, double priority) {}

    /** The key was used for the same request before, which made the tasks of this base. */
    record Repeated(UUID base) implements SubmissionResult {}

    /** The key was used for another request. */
    record KeyTaken() implements SubmissionResult {}

    /** None was made; {@code task}, from 1 on, is the first at fault. */
    record Refused(int task, ErrorCode code, String message) implements SubmissionResult {}
}
