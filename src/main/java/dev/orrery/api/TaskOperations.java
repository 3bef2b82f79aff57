package dev.orrery.api;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.TaskState;
import dev.orrery.service.RunService;
import dev.orrery.service.TaskDetail;
import dev.orrery.service.remote.RemoteWorkers;
import io.vertx.core.Future;
import java.util.Map;
import java.util.Optional;

/** The operations tagged {@code Tasks}. */
final class TaskOperations {

    private final RunService runs;
    private final RemoteWorkers remote;

    TaskOperations(RunService runs, RemoteWorkers remote) {
        this.runs = runs;
        this.remote = remote;
    }

    Map<String, Operation> byId() {
        return Map.of("getTask", this::get, "cancelTask", this::cancel, "readTaskLog", this::log);
    }

    private Future<Answer> get(ApiRequest request) {
        return runs.task(request.tenant(), request.runId(), request.taskId())
                .compose(task -> waitingFor(request.tenant(), task)
                        .map(why -> Answer.json(200, out -> JsonShapes.detail(out, task, why))));
    }

    private Future<Optional<String>> waitingFor(TenantId tenant, TaskDetail task) {
        return task.status().state() == TaskState.READY
                ? remote.waitingFor(tenant, task.status().id())
                : Future.succeededFuture(Optional.empty());
    }

    private Future<Answer> cancel(ApiRequest request) {
        return runs.by(request.change())
                .cancelTask(request.tenant(), request.runId(), request.taskId(), request.key())
                .map(_ -> Answer.empty(202));
    }

    private Future<Answer> log(ApiRequest request) {
        LogReader log = (attempt, offset) ->
                runs.log(request.tenant(), request.runId(), request.taskId(), attempt, offset, LogReader.PIECE_BYTES);
        return read(request, log);
    }

    /** The log as the request wants it. */
    static Future<Answer> read(ApiRequest request, LogReader log) {
        return request.flag("follow")
                ? LogStreams.follow(request.vertx(), log, request.optionalNumber("attempt"), begin(request))
                : LogStreams.text(request.vertx(), log, request.optionalNumber("attempt"), begin(request));
    }

    /** The offset to begin at; a reader that comes back knows better than the URL it came with at first. */
    private static long begin(ApiRequest request) {
        var last = request.flag("follow") ? request.optionalText("Last-Event-ID") : Optional.<String>empty();
        try {
            return last.map(Long::parseUnsignedLong).orElseGet(() -> request.number("offset"));
        } catch (NumberFormatException _) {
            throw new OrreryException(ErrorCode.BAD_REQUEST, "Last-Event-ID is no id of a log: it must be a number");
        }
    }
}
