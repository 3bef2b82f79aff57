package dev.orrery.api;

import dev.orrery.dagfile.TaskJson;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDraft;
import dev.orrery.domain.task.SubmittedState;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.domain.task.TaskState;
import dev.orrery.service.CursorPage;
import dev.orrery.service.TaskQueue;
import dev.orrery.service.TaskQueue.SubmittedOfBatch;
import dev.orrery.service.remote.RemoteWorkers;
import dev.orrery.store.TaskQueueRepository.Filter;
import dev.orrery.store.TaskQueueRepository.Place;
import dev.orrery.store.TaskQueueRepository.StoredTask;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The operations tagged {@code Queue}. */
final class SingleTaskOperations {

    private static final String PATH = Contract.BASE_PATH + "/tasks/";

    private final TaskQueue queue;
    private final RemoteWorkers remote;

    SingleTaskOperations(TaskQueue queue, RemoteWorkers remote) {
        this.queue = queue;
        this.remote = remote;
    }

    Map<String, Operation> byId() {
        return Map.of(
                "submitTask", (Operation.Reading) this::submit,
                "submitTasks", (Operation.Reading) this::submitBatch,
                "listSingleTasks", this::list,
                "getSingleTask", this::get,
                "listTaskDependencies", this::dependencies,
                "explainTask", this::explain,
                "getTaskTree", this::tree,
                "countSubmittedWith", this::submittedWith,
                "readSingleTaskLog", this::log,
                "getQueueStats", this::stats);
    }

    private Future<Answer> submit(ApiRequest request) {
        return read(request, bytes -> TaskJson.one(bytes, queue.maxDependencies()))
                .compose(draft -> scoped(request, List.of(draft)).map(List::getFirst))
                .compose(draft ->
                        queue.by(request.change()).submit(request.tenant(), draft, request.key(), request.trace()))
                .onSuccess(submitted -> trace(request, submitted.task().id(), submitted.isNew(), 1))
                .map(submitted -> Answer.json(
                                submitted.isNew() ? 201 : 200, out -> SingleTaskShapes.task(out, submitted.task()))
                        .with("Location", PATH + submitted.task().id()));
    }

    private Future<Answer> submitBatch(ApiRequest request) {
        return read(request, bytes -> TaskJson.batch(bytes, queue.maxDependencies()))
                .compose(drafts -> scoped(request, drafts))
                .compose(drafts -> queue.by(request.change())
                        .submitBatch(request.tenant(), drafts, request.key(), request.trace())
                        .onSuccess(tasks -> tasks.stream()
                                .filter(SubmittedOfBatch::isNew)
                                .findFirst()
                                .ifPresent(first -> trace(request, first.id(), true, tasks.size())))
                        .map(tasks -> Answer.json(
                                201,
                                out -> SingleTaskShapes.batch(
                                        out,
                                        tasks,
                                        drafts.stream().map(TaskDraft::ref).toList()))));
    }

    private static void trace(ApiRequest request, TaskInstanceId task, boolean isNew, int tasks) {
        if (isNew && request.span().isPresent()) {
            request.span()
                    .get()
                    .submitted(
                            task.runId(),
                            request.trace(),
                            Instant.ofEpochMilli(task.createdMillis()),
                            true,
                            Map.of("orrery.tasks", (long) tasks));
        }
    }

    /** What a running task submits is its own. */
    private static Future<List<TaskDraft>> scoped(ApiRequest request, List<TaskDraft> drafts) {
        return request.asking().map(asking -> asking.children(drafts)).orElseGet(() -> Future.succeededFuture(drafts));
    }

    /** Small bodies at once, others off the event loop. */
    private static <T> Future<T> read(ApiRequest request, Function<byte[], T> reader) {
        var body = request.sent().map(ApiRequest.Sent::body).orElseGet(Buffer::buffer);
        if (body.length() == 0) {
            return Future.failedFuture(new OrreryException(ErrorCode.VALIDATION_ERROR, "the body is missing"));
        }
        if (body.length() <= RequestCheck.QUICK_BYTES) {
            return Future.succeededFuture(read(body, reader));
        }
        return request.vertx().executeBlocking(() -> read(body, reader), false);
    }

    private static <T> T read(Buffer body, Function<byte[], T> reader) {
        var bytes = body.getBytes();
        JsonBody.refuseOtherEncodings(bytes);
        return reader.apply(bytes);
    }

    private Future<Answer> list(ApiRequest request) {
        var filter = new Filter(
                request.optionalText("state").map(SubmittedState::ofWireName),
                request.optionalText("queue"),
                request.optionalText("type"),
                request.optionalText("source").map(TaskSource::ofWireName),
                request.optionalText("createdBy"),
                request.optionalText("sessionId"),
                request.optionalText("parentTaskId").map(TaskInstanceId::parse),
                request.optionalText("tag"),
                JobOperations.time(request, "from"),
                JobOperations.time(request, "to"),
                JobOperations.time(request, "deadlineAfter"),
                JobOperations.time(request, "deadlineBefore"));
        return queue.list(request.tenant(), filter, place(request), Math.toIntExact(request.number("limit")))
                .map(part -> new CursorPage<>(part.tasks(), part.next().map(SingleTaskOperations::cursor)))
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, SingleTaskShapes::task)));
    }

    /** The id of a task, with its deadline where the list is in that order. */
    private static String cursor(Place place) {
        return place.deadline()
                .map(at -> JobOperations.cursor(at, place.id().value()))
                .orElseGet(() -> place.id().toString());
    }

    private static Optional<Place> place(ApiRequest request) {
        var cursor = request.optionalText("cursor");
        if (cursor.isPresent() && !TaskInstanceId.isId(cursor.get())) {
            return JobOperations.position(request, (at, id) -> new Place(new TaskInstanceId(id), Optional.of(at)));
        }
        return cursor.map(id -> new Place(TaskInstanceId.parse(id), Optional.empty()));
    }

    private Future<Answer> get(ApiRequest request) {
        return queue.detail(request.tenant(), id(request))
                .compose(detail -> waitingFor(request.tenant(), detail.stored())
                        .map(why -> Answer.json(200, out -> SingleTaskShapes.detail(out, detail, why))));
    }

    private Future<Optional<String>> waitingFor(TenantId tenant, StoredTask task) {
        return task.state() == TaskState.READY && task.task().queue().isEmpty()
                ? remote.waitingFor(tenant, task.task().id())
                : Future.succeededFuture(Optional.empty());
    }

    private Future<Answer> dependencies(ApiRequest request) {
        return queue.dependencies(request.tenant(), id(request))
                .map(all -> Answer.json(200, out -> SingleTaskShapes.dependencies(out, all)));
    }

    private Future<Answer> explain(ApiRequest request) {
        return queue.explain(request.tenant(), id(request))
                .map(explanation -> Answer.json(200, out -> SingleTaskShapes.explanation(out, explanation)));
    }

    private Future<Answer> tree(ApiRequest request) {
        return queue.tree(
                        request.tenant(),
                        id(request),
                        Math.toIntExact(request.number("levels")),
                        Math.toIntExact(request.number("limit")))
                .map(tree -> Answer.json(200, out -> SingleTaskShapes.tree(out, tree)));
    }

    private Future<Answer> submittedWith(ApiRequest request) {
        return queue.submittedWith(request.tenant(), id(request))
                .map(counts -> Answer.json(200, out -> SingleTaskShapes.submittedWith(out, counts)));
    }

    private Future<Answer> log(ApiRequest request) {
        LogReader log =
                (attempt, offset) -> queue.log(request.tenant(), id(request), attempt, offset, LogReader.PIECE_BYTES);
        return TaskOperations.read(request, log);
    }

    private Future<Answer> stats(ApiRequest request) {
        return queue.stats(request.tenant()).map(stats -> Answer.json(200, out -> SingleTaskShapes.stats(out, stats)));
    }

    static TaskInstanceId id(ApiRequest request) {
        return TaskInstanceId.parse(request.text("id"));
    }
}
