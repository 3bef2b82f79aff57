package dev.orrery.store;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.SubmittedState;
import dev.orrery.domain.task.TaskState;
import dev.orrery.store.SubmissionResult.CreatedTask;
import io.vertx.sqlclient.Row;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What {@code submit_tasks} answers: arrays parallel to the submissions and to their tasks. One that is null as a whole says the
 * same of all: nothing is wrong, all are new, ready, at the depth 0.
 */
final class SubmittedTasks {

    private final String[] verdicts;
    private final UUID[] references;
    private final String @Nullable [] codes;
    private final Integer @Nullable [] tasks;
    private final UUID @Nullable [] others;
    private final Instant createdAt;
    private final UUID[] ids;
    private final Boolean @Nullable [] areNew;
    private final String @Nullable [] states;
    private final Short @Nullable [] depths;
    private final Float[] priorities;
    private final SingleTaskRepository.Limits limits;
    private final List<SubmissionResult> results;
    private final List<Integer> again = new ArrayList<>();

    SubmittedTasks(Row row, List<TaskSubmission> submissions, SingleTaskRepository.Limits limits) {
        verdicts = row.getArrayOfStrings("verdicts");
        references = row.getArrayOfUUIDs("refs");
        codes = row.getArrayOfStrings("codes");
        tasks = row.getArrayOfIntegers("tasks");
        others = row.getArrayOfUUIDs("others");
        createdAt = Rows.time(row, "created_at");
        ids = row.getArrayOfUUIDs("ids");
        areNew = row.getArrayOfBooleans("is_new");
        states = row.getArrayOfStrings("states");
        depths = row.getArrayOfShorts("depths");
        priorities = row.getArrayOfFloats("priorities");
        this.limits = limits;
        results = new ArrayList<>(submissions.size());
        var first = 0;
        for (var number = 0; number < submissions.size(); number++) {
            var count = submissions.get(number).tasks().size();
            results.add(result(number, first, submissions.get(number)));
            first += count;
        }
    }

    /** In the order of the submissions; what stands at the places {@link #again} is not yet known. */
    List<SubmissionResult> results() {
        return results;
    }

    /** The places of those that met the task of another one, which then was refused. */
    List<Integer> again() {
        return again;
    }

    private SubmissionResult result(int number, int first, TaskSubmission submission) {
        return switch (verdicts[number]) {
            case "created" ->
                new SubmissionResult.Created(
                        createdAt, created(first, submission.tasks().size()));
            case "repeated" -> new SubmissionResult.Repeated(references[number]);
            case "conflict" -> new SubmissionResult.KeyTaken();
            case "no_tenant" -> new SubmissionResult.Refused(1, ErrorCode.TENANT_NOT_FOUND, "the tenant was deleted");
            case "refused" -> refused(number, first, submission.base());
            case "again" -> {
                again.add(number);
                yield new SubmissionResult.KeyTaken();
            }
            case String other -> throw new IllegalStateException("submit_tasks answered " + other);
        };
    }

    private List<CreatedTask> created(int first, int count) {
        var created = new ArrayList<CreatedTask>(count);
        for (var n = first; n < first + count; n++) {
            var state = states == null ? SubmittedState.READY : SubmittedState.of(TaskState.ofWireName(states[n]));
            created.add(new CreatedTask(
                    new TaskInstanceId(ids[n]),
                    areNew == null || areNew[n],
                    state,
                    depths == null ? 0 : depths[n],
                    priorities[n]));
        }
        return created;
    }

    private SubmissionResult refused(int number, int first, UUID base) {
        var why = requireNonNull(codes)[number];
        var task = requireNonNull(tasks)[number] - first;
        var other = others == null ? null : others[number];
        var code = switch (why) {
            case "unique_key_taken" -> ErrorCode.UNIQUE_KEY_TAKEN;
            case "unknown_parent" -> ErrorCode.TASK_NOT_FOUND;
            case "parent_cancelled" -> ErrorCode.CONFLICT;
            case "unknown_prerequisite" -> ErrorCode.DEPENDENCY_NOT_FOUND;
            case "self_dependency", "cycle" -> ErrorCode.DEPENDENCY_CYCLE;
            case "too_deep" -> ErrorCode.DEPENDENCY_TOO_DEEP;
            case "too_many_dependencies" -> ErrorCode.TOO_MANY_DEPENDENCIES;
            default -> throw new IllegalStateException("submit_tasks refused for " + why);
        };
        // One of its own has an id that never comes to be.
        var isOwn = other != null && new TaskInstanceId(other).runId().value().equals(base);
        var named = isOwn ? "another task of the batch" : "task " + other;
        var message = switch (why) {
            case "unique_key_taken" -> named + (isOwn ? "" : ", which has not ended,") + " has the same unique key";
            case "unknown_parent" -> "there is no task " + other + " to be its parent";
            case "parent_cancelled" -> named + ", its parent, was cancelled";
            case "unknown_prerequisite" -> "there is no task " + other + " that it could wait for";
            case "self_dependency" -> "it would wait for itself";
            case "cycle" -> "it waits for " + named + ", which comes after it";
            case "too_deep" -> "it would stand more than " + limits.depth() + " tasks deep, behind " + named;
            default -> "it waits for more than " + limits.dependencies() + " tasks";
        };
        return new SubmissionResult.Refused(task, code, message);
    }
}
