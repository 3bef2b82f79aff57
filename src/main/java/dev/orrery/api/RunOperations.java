package dev.orrery.api;

import dev.orrery.domain.DagId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.service.DagService;
import dev.orrery.service.EventFeed;
import dev.orrery.service.RunService;
import dev.orrery.service.RunSummary;
import dev.orrery.store.DagRunRepository;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The operations tagged {@code Runs}. */
final class RunOperations {

    private final DagService dags;
    private final RunService runs;
    private final EventFeed events;

    RunOperations(DagService dags, RunService runs, EventFeed events) {
        this.dags = dags;
        this.runs = runs;
        this.events = events;
    }

    Map<String, Operation> byId() {
        return Map.of(
                "triggerRun", this::trigger,
                "listDagRuns", this::listOfDag,
                "listRuns", this::list,
                "getRun", this::get,
                "deleteRun", this::delete,
                "cancelRun", this::cancel,
                "watchRun", this::watch);
    }

    private Future<Answer> trigger(ApiRequest request) {
        var params = JsonBody.text(request.body().getJsonObject("params", new JsonObject()));
        return runs.by(request.change())
                .trigger(request.tenant(), request.dagId(), params, Trigger.API, request.key(), request.trace())
                .onSuccess(run -> request.span()
                        .ifPresent(span -> span.submitted(
                                run.runId(),
                                run.trace(),
                                run.createdAt(),
                                false,
                                Map.of("orrery.dag.name", run.dagName()))))
                .map(run -> Answer.json(202, out -> JsonShapes.run(out, run))
                        .with("Location", Contract.BASE_PATH + "/runs/" + run.runId()));
    }

    private Future<Answer> list(ApiRequest request) {
        return find(request, Optional.empty()).map(RunOperations::answer);
    }

    /** A DAG without runs may be none at all, which is an error. */
    private Future<Answer> listOfDag(ApiRequest request) {
        return find(request, Optional.of(request.dagId()))
                .compose(list -> list.isEmpty()
                        ? dags.get(request.tenant(), request.dagId()).map(_ -> list)
                        : Future.succeededFuture(list))
                .map(RunOperations::answer);
    }

    private Future<List<RunSummary>> find(ApiRequest request, Optional<DagId> dag) {
        var filter = new DagRunRepository.Filter(
                dag,
                request.optionalText("state").map(RunState::ofWireName),
                request.optionalText("traceId").map(TraceContext::parseTraceId));
        return runs.list(request.tenant(), filter, request.page());
    }

    private static Answer answer(List<RunSummary> list) {
        return Answer.json(200, out -> JsonShapes.array(out, list, JsonShapes::run));
    }

    private Future<Answer> get(ApiRequest request) {
        return runs.get(request.tenant(), request.runId())
                .map(run -> Answer.json(200, out -> JsonShapes.status(out, run)));
    }

    private Future<Answer> delete(ApiRequest request) {
        return runs.by(request.change())
                .delete(request.tenant(), request.runId())
                .map(_ -> Answer.empty(204));
    }

    private Future<Answer> cancel(ApiRequest request) {
        return runs.by(request.change())
                .cancel(request.tenant(), request.runId(), request.key())
                .map(_ -> Answer.empty(202));
    }

    private Future<Answer> watch(ApiRequest request) {
        return events.open(request.tenant(), request.runId(), request.optionalText("Last-Event-ID"))
                .compose(source -> RunWatch.begin(request.vertx(), source));
    }
}
