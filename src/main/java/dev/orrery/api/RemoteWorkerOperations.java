package dev.orrery.api;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.FailureKind;
import dev.orrery.domain.task.FailureRule;
import dev.orrery.domain.task.LogLevel;
import dev.orrery.domain.task.SnoozeRule;
import dev.orrery.domain.task.TaskTokens;
import dev.orrery.service.remote.RemoteClaim;
import dev.orrery.service.remote.RemoteWork;
import dev.orrery.service.remote.RemoteWork.Said;
import dev.orrery.service.remote.RemoteWorker;
import dev.orrery.service.remote.RemoteWorkers;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The operations tagged {@code Remote workers}. */
final class RemoteWorkerOperations {

    /** The largest output of a task, as of those that nodes run. */
    private static final int OUTPUT_MAX = 256 << 10;

    private static final String TOKEN = "Orrery-Worker-Token";
    private static final int DEFAULT_LEASE_MILLIS = 15_000;
    private static final int DEFAULT_WAIT_MILLIS = 20_000;

    private final RemoteWorkers workers;
    private final RemoteWork work;
    private final TaskTokens tokens;

    /** {@code tokens}: those of the tasks that workers are given. */
    RemoteWorkerOperations(RemoteWorkers workers, RemoteWork work, TaskTokens tokens) {
        this.workers = workers;
        this.work = work;
        this.tokens = tokens;
    }

    Map<String, Operation> byId() {
        var all = new HashMap<String, Operation>();
        all.put("registerRemoteWorker", this::register);
        all.put("listRemoteWorkers", this::list);
        all.put(
                "deleteRemoteWorker",
                request -> worker(request)
                        .compose(worker -> work.leave(worker, request.change()))
                        .map(_ -> Answer.empty(204)));
        all.put("pollRemoteWorker", (Operation.Waiting) this::poll);
        all.put("beatRemoteWorker", this::heartbeat);
        all.put("completeClaim", this::complete);
        all.put("failClaim", this::fail);
        all.put("logOfClaim", this::log);
        all.put("progressOfClaim", this::progress);
        return all;
    }

    private Future<RemoteWorker> worker(ApiRequest request) {
        return workers.authenticate(request.tenant(), WorkerId.parse(request.text("workerId")), request.text(TOKEN));
    }

    private Future<Answer> register(ApiRequest request) {
        var body = request.body();
        var input = new RemoteWorkers.Input(
                body.getString("name"),
                body.getString("version", ""),
                texts(body, "handlers"),
                body.getInteger("slots", 1),
                Duration.ofMillis(body.getInteger("leaseMs", DEFAULT_LEASE_MILLIS)));
        return workers.register(request.tenant(), input, request.key(), request.change())
                .map(made -> Answer.json(201, out -> RemoteShapes.registration(out, made))
                        .with("Location", Contract.BASE_PATH + "/remote-workers/" + made.id()));
    }

    private Future<Answer> list(ApiRequest request) {
        return workers.list(
                        request.tenant(),
                        request.optionalText("handler"),
                        request.optionalText("cursor"),
                        Math.toIntExact(request.number("limit")))
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, RemoteShapes::worker)));
    }

    private Future<Answer> poll(ApiRequest request, Future<Void> gone) {
        var body = request.body();
        return worker(request)
                .compose(worker -> work.poll(
                        worker,
                        claims(body),
                        body.getInteger("max", 1),
                        Duration.ofMillis(body.getInteger("waitMs", DEFAULT_WAIT_MILLIS)),
                        gone))
                .map(polled -> Answer.json(200, out -> RemoteShapes.polled(out, polled, tokens)));
    }

    private Future<Answer> heartbeat(ApiRequest request) {
        return worker(request)
                .compose(worker -> work.heartbeat(worker, claims(request.body())))
                .map(signs -> Answer.json(200, out -> RemoteShapes.signs(out, signs)));
    }

    private Future<Answer> complete(ApiRequest request) {
        var snooze = request.body().getString("snooze");
        if (snooze != null) {
            return putOff(request, snooze);
        }
        var output = JsonBody.text(request.body().getValue("output"));
        if (output.text().length() > OUTPUT_MAX) {
            return Future.failedFuture(new OrreryException(
                    ErrorCode.PAYLOAD_TOO_LARGE,
                    "the output has " + output.text().length() + " characters, more than the " + OUTPUT_MAX
                            + " that are kept; put large data elsewhere and output where it is"));
        }
        return onClaim(request, (worker, claim) -> work.complete(worker, claim, output));
    }

    private Future<Answer> putOff(ApiRequest request, String snooze) {
        if (request.body().containsKey("output")) {
            throw TaskCallOperations.wrong(
                    "output",
                    ProblemCode.CONFLICTING_FIELDS,
                    "give either 'output' or 'snooze': what goes on has no output");
        }
        var time = SnoozeRule.parse(snooze)
                .orElseThrow(() -> TaskCallOperations.wrong("snooze", ProblemCode.OUT_OF_RANGE, SnoozeRule.bounds()));
        return onClaim(request, (worker, claim) -> work.snooze(worker, claim, time));
    }

    private Future<Answer> fail(ApiRequest request) {
        var body = request.body();
        var kind = Optional.ofNullable(body.getString("kind"))
                .map(RemoteWorkerOperations::kind)
                .orElse(FailureKind.NamedError.OTHER);
        var failure = new AttemptOutcome.Failed(body.getString("error"), body.getBoolean("retryable", true), kind);
        return onClaim(request, (worker, claim) -> work.fail(worker, claim, failure));
    }

    private static FailureKind kind(String text) {
        return FailureKind.parse(text)
                .orElseThrow(
                        () -> TaskCallOperations.wrong(
                                "kind",
                                ProblemCode.INVALID_VALUE,
                                Quoted.of(text) + " "
                                        + FailureRule.objection(text).orElse("is no single kind of failure")
                                        + "; write timeout, start, exit:75, signal:9, http:503, error or error:ConnectionRefused"));
    }

    private Future<Answer> log(ApiRequest request) {
        return worker(request)
                .compose(worker -> work.log(worker, claim(request), said(request.body()), request.key()))
                .map(kept -> Answer.json(200, out -> {
                    out.writeStartObject();
                    out.writeBooleanField("kept", kept);
                    out.writeEndObject();
                }));
    }

    private Future<Answer> progress(ApiRequest request) {
        return onClaim(
                request,
                (worker, claim) -> work.progress(worker, claim, request.body().getInteger("percent")));
    }

    private static List<Said> said(JsonObject body) {
        var said = new ArrayList<Said>();
        texts(body, "lines").forEach(line -> said.add(new Said.Line(line)));
        for (var each : body.getJsonArray("entries", new JsonArray())) {
            var entry = (JsonObject) each;
            said.add(new Said.Entry(
                    LogLevel.ofWireName(entry.getString("level", "info")),
                    entry.getString("message"),
                    Optional.ofNullable(entry.getJsonObject("data")).map(JsonBody::text)));
        }
        return said;
    }

    /** What is done with a claim. */
    @FunctionalInterface
    private interface Deed {
        Future<Void> of(RemoteWorker worker, RemoteClaim claim);
    }

    private Future<Answer> onClaim(ApiRequest request, Deed deed) {
        return worker(request)
                .compose(worker -> deed.of(worker, claim(request)))
                .map(_ -> Answer.empty(204));
    }

    private static RemoteClaim claim(ApiRequest request) {
        return RemoteClaim.parse(request.text("claimId"));
    }

    private static List<RemoteClaim> claims(JsonObject body) {
        return texts(body, "claims").stream().map(RemoteClaim::parse).toList();
    }

    private static List<String> texts(JsonObject body, String field) {
        return body.getJsonArray(field, new JsonArray()).stream()
                .map(String.class::cast)
                .toList();
    }
}
