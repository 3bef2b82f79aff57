package dev.orrery.api;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Times;
import dev.orrery.domain.dag.TaskDraft;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.Durations;
import dev.orrery.service.TaskCalls;
import dev.orrery.service.TaskQueue;
import dev.orrery.store.SingleTaskRepository.Patch;
import io.vertx.core.Future;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** The operations tagged {@code Queue} that change single tasks which are there; each answers the task as it is then. */
final class TaskCallOperations {

    private final TaskQueue queue;
    private final TaskCalls calls;

    TaskCallOperations(TaskQueue queue, TaskCalls calls) {
        this.queue = queue;
        this.calls = calls;
    }

    Map<String, Operation> byId() {
        return Map.of(
                "patchSingleTask", this::patch,
                "cancelSingleTask", this::cancel,
                "retrySingleTask", this::retry,
                "snoozeSingleTask", this::snooze,
                "addTaskDependency", this::addDependency);
    }

    private Future<Answer> patch(ApiRequest request) {
        var id = id(request);
        var body = request.body();
        var priority = Optional.ofNullable(body.getInteger("priority"));
        if (priority.isEmpty() && !body.containsKey("deadline")) {
            throw wrong("priority", ProblemCode.MISSING_FIELD, "give 'priority', 'deadline' or both");
        }
        var deadline = Optional.ofNullable(body.getString("deadline"))
                .map(text -> Times.parse(text)
                        .orElseThrow(() -> wrong(
                                "deadline",
                                ProblemCode.OUT_OF_RANGE,
                                "'deadline' is no time, write it like 2026-12-01T08:00:00Z")));
        var patch = new Patch(
                priority.map(OptionalInt::of).orElseGet(OptionalInt::empty), body.containsKey("deadline"), deadline);
        return task(request, id, 200, calls.by(request.change()).patch(request.tenant(), id, patch));
    }

    private Future<Answer> cancel(ApiRequest request) {
        var id = id(request);
        return task(request, id, 202, calls.by(request.change()).cancel(request.tenant(), id, request.key()));
    }

    private Future<Answer> retry(ApiRequest request) {
        var id = id(request);
        return task(request, id, 200, calls.by(request.change()).retry(request.tenant(), id, request.key()));
    }

    private Future<Answer> snooze(ApiRequest request) {
        var id = id(request);
        var until = Optional.ofNullable(request.body().getString("notBefore"));
        var time = Optional.ofNullable(request.body().getString("for"));
        if (until.isPresent() == time.isPresent()) {
            throw wrong("notBefore", ProblemCode.CONFLICTING_FIELDS, "give either 'notBefore' or 'for'");
        }
        var snoozed = until.isPresent()
                ? calls.by(request.change())
                        .snoozeUntil(
                                request.tenant(),
                                id,
                                Times.parse(until.get())
                                        .orElseThrow(() -> wrong(
                                                "notBefore",
                                                ProblemCode.OUT_OF_RANGE,
                                                "'notBefore' is no time, write it like 2026-12-01T08:00:00Z")),
                                request.key())
                : calls.by(request.change())
                        .snoozeFor(
                                request.tenant(),
                                id,
                                Durations.parse(time.orElseThrow())
                                        .filter(given -> given.compareTo(TaskDraft.MAX_ESTIMATE) <= 0)
                                        .orElseThrow(() -> wrong(
                                                "for",
                                                ProblemCode.OUT_OF_RANGE,
                                                "'for' is a duration of up to 366 days, such as 10m")),
                                request.key());
        return task(request, id, 200, snoozed);
    }

    private Future<Answer> addDependency(ApiRequest request) {
        var id = id(request);
        var added = calls.by(request.change())
                .addDependency(
                        request.tenant(),
                        id,
                        TaskInstanceId.parse(request.body().getString("prerequisiteTaskId")),
                        Optional.ofNullable(request.body().getString("dependencyType"))
                                .map(DependencyType::ofWireName)
                                .orElse(DependencyType.DEFAULT),
                        request.key());
        return task(request, id, 200, added);
    }

    private Future<Answer> task(ApiRequest request, TaskInstanceId id, int status, Future<Void> call) {
        return call.compose(_ -> queue.get(request.tenant(), id))
                .map(task -> Answer.json(status, out -> SingleTaskShapes.task(out, task)));
    }

    static OrreryException wrong(String path, ProblemCode code, String message) {
        return new OrreryException(
                ErrorCode.VALIDATION_ERROR, "the body has 1 problem", List.of(Problem.at(path, code, message)));
    }

    private static TaskInstanceId id(ApiRequest request) {
        return SingleTaskOperations.id(request);
    }
}
