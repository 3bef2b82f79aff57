package dev.orrery.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TraceContext;
import dev.orrery.service.AttemptStatus;
import dev.orrery.service.ClusterSummary;
import dev.orrery.service.CursorPage;
import dev.orrery.service.DagDocument;
import dev.orrery.service.DagSummary;
import dev.orrery.service.DagVersionSummary;
import dev.orrery.service.LockSummary;
import dev.orrery.service.NodeSummary;
import dev.orrery.service.RunEvent;
import dev.orrery.service.RunStatus;
import dev.orrery.service.RunSummary;
import dev.orrery.service.TaskDetail;
import dev.orrery.service.TaskStatus;
import dev.orrery.service.WorkerSummary;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** How the values of the services look as JSON: the schemas of the contract, field by field. */
final class JsonShapes {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

    /** Writes one value. */
    interface Shape<T> {
        void write(JsonGenerator out, T value) throws IOException;
    }

    private JsonShapes() {}

    static <T> void array(JsonGenerator out, List<T> values, Shape<T> shape) throws IOException {
        out.writeStartArray();
        for (var value : values) {
            shape.write(out, value);
        }
        out.writeEndArray();
    }

    static <T> void cursorPage(JsonGenerator out, CursorPage<T> page, Shape<T> shape) throws IOException {
        out.writeStartObject();
        out.writeFieldName("items");
        array(out, page.items(), shape);
        out.writeStringField("nextCursor", page.nextCursor().orElse(null));
        out.writeEndObject();
    }

    static void dag(JsonGenerator out, DagSummary dag) throws IOException {
        out.writeStartObject();
        text(out, "id", dag.id());
        out.writeStringField("name", dag.name());
        out.writeNumberField("taskCount", dag.taskCount());
        optional(out, "schedule", dag.schedule());
        out.writeStringField("timezone", dag.timezone());
        out.writeBooleanField("active", dag.active());
        out.writeNumberField("version", dag.version());
        time(out, "createdAt", dag.createdAt());
        time(out, "updatedAt", dag.updatedAt());
        time(out, "nextRun", dag.nextRun());
        out.writeEndObject();
    }

    static void document(JsonGenerator out, DagDocument dag) throws IOException {
        out.writeStartObject();
        text(out, "id", dag.id());
        out.writeStringField("name", dag.name());
        out.writeNumberField("version", dag.version());
        out.writeStringField("yaml", dag.yaml());
        json(out, "definition", dag.definition());
        time(out, "createdAt", dag.createdAt());
        out.writeEndObject();
    }

    static void version(JsonGenerator out, DagVersionSummary version) throws IOException {
        out.writeStartObject();
        out.writeNumberField("version", version.version());
        out.writeStringField("name", version.name());
        out.writeNumberField("taskCount", version.taskCount());
        time(out, "createdAt", version.createdAt());
        out.writeEndObject();
    }

    static void run(JsonGenerator out, RunSummary run) throws IOException {
        out.writeStartObject();
        runFields(out, run);
        out.writeEndObject();
    }

    static void status(JsonGenerator out, RunStatus status) throws IOException {
        out.writeStartObject();
        runFields(out, status.run());
        json(out, "params", status.params());
        out.writeFieldName("tasks");
        array(out, status.tasks(), JsonShapes::task);
        out.writeEndObject();
    }

    private static void runFields(JsonGenerator out, RunSummary run) throws IOException {
        text(out, "runId", run.runId());
        text(out, "dagId", run.dagId());
        out.writeStringField("dagName", run.dagName());
        out.writeNumberField("dagVersion", run.dagVersion());
        out.writeStringField("state", run.state().wireName());
        out.writeStringField("triggeredBy", run.triggeredBy().wireName());
        time(out, "logicalTime", run.logicalTime());
        time(out, "startedAt", run.startedAt());
        time(out, "completedAt", run.completedAt());
        time(out, "createdAt", run.createdAt());
        trace(out, Optional.of(TraceContext.ofRun(run.runId(), run.trace())), run.trace());
    }

    /** Where something stands in a trace, if it does, and below what. */
    static void trace(JsonGenerator out, Optional<TraceContext> trace, Optional<TraceContext> parent)
            throws IOException {
        optional(out, "traceId", trace.map(TraceContext::traceIdText));
        optional(out, "spanId", trace.map(TraceContext::spanIdText));
        optional(out, "parentSpanId", parent.map(TraceContext::spanIdText));
    }

    private static void task(JsonGenerator out, TaskStatus task) throws IOException {
        out.writeStartObject();
        taskFields(out, task);
        out.writeEndObject();
    }

    static void detail(JsonGenerator out, TaskDetail task, Optional<String> waitingFor) throws IOException {
        out.writeStartObject();
        taskFields(out, task.status());
        out.writeStringField("type", task.type());
        out.writeStringField("queue", task.queue());
        out.writeNumberField("priority", task.priority());
        out.writeFieldName("dependencies");
        array(out, task.dependencies(), (array, id) -> array.writeString(id.value()));
        json(out, "output", task.output().orElse(Json.NULL));
        time(out, "nextAttemptAt", task.nextAttemptAt());
        optional(out, "waitingFor", waitingFor);
        out.writeFieldName("attempts");
        array(
                out,
                task.attempts(),
                (attempts, attempt) -> attempt(attempts, task.status().id(), attempt));
        out.writeEndObject();
    }

    private static void taskFields(JsonGenerator out, TaskStatus task) throws IOException {
        text(out, "id", task.id());
        text(out, "taskId", task.taskId());
        out.writeStringField("name", task.name());
        out.writeStringField("state", task.state().wireName());
        out.writeNumberField("attempt", task.attempt());
        optional(out, "workerId", task.workerId());
        optional(out, "error", task.error());
        number(out, "progress", task.progress());
        time(out, "startedAt", task.startedAt());
        time(out, "completedAt", task.completedAt());
    }

    static void attempt(JsonGenerator out, TaskInstanceId task, AttemptStatus attempt) throws IOException {
        out.writeStartObject();
        out.writeNumberField("attempt", attempt.attempt());
        optional(out, "outcome", attempt.outcome());
        out.writeNumberField("fence", attempt.fence());
        optional(out, "workerId", attempt.workerId());
        optional(out, "error", attempt.error());
        time(out, "startedAt", attempt.startedAt());
        time(out, "completedAt", attempt.completedAt());
        // Follows from the attempt alone, whatever trace it is in.
        out.writeStringField(
                "spanId",
                TraceContext.ofAttempt(task, attempt.attempt(), Optional.empty())
                        .spanIdText());
        out.writeEndObject();
    }

    static void worker(JsonGenerator out, WorkerSummary worker) throws IOException {
        out.writeStartObject();
        text(out, "id", worker.id());
        text(out, "nodeId", worker.nodeId());
        out.writeStringField("status", worker.status());
        out.writeNumberField("runningTasks", worker.runningTasks());
        out.writeNumberField("queueDepth", worker.queueDepth());
        out.writeEndObject();
    }

    static void lock(JsonGenerator out, LockSummary lock) throws IOException {
        out.writeStartObject();
        text(out, "name", lock.name());
        out.writeNumberField("fence", lock.fence());
        optional(out, "runId", lock.runId());
        optional(out, "dagName", lock.dagName());
        optional(out, "taskId", lock.taskId());
        time(out, "heldSince", lock.heldSince());
        out.writeNumberField("waiting", lock.waiting());
        out.writeEndObject();
    }

    static void node(JsonGenerator out, NodeSummary node) throws IOException {
        out.writeStartObject();
        text(out, "id", node.id());
        out.writeStringField("name", node.name());
        out.writeStringField("state", node.state().wireName());
        out.writeBooleanField("leader", node.leader());
        out.writeStringField("mode", node.mode());
        out.writeStringField("version", node.version());
        optional(out, "httpAddress", node.httpAddress());
        texts(out, "capabilities", node.capabilities());
        time(out, "startedAt", node.startedAt());
        out.writeNumberField("heartbeatAgeMs", node.heartbeatAge().toMillis());
        out.writeNumberField("slots", node.slots());
        out.writeNumberField("runningTasks", node.runningTasks());
        out.writeNumberField("queueDepth", node.queueDepth());
        out.writeNumberField("clockOffsetMs", node.clockOffsetMillis());
        out.writeEndObject();
    }

    static void cluster(JsonGenerator out, ClusterSummary all) throws IOException {
        out.writeStartObject();
        text(out, "id", all.id());
        out.writeStringField("mode", all.mode());
        optional(out, "leader", all.leader());
        out.writeNumberField("epoch", all.epoch());
        time(out, "leaderSince", all.leaderSince());
        out.writeNumberField("nodes", all.nodes());
        out.writeNumberField("drainingNodes", all.drainingNodes());
        out.writeNumberField("silentNodes", all.silentNodes());
        texts(out, "versions", all.versions());
        out.writeNumberField("slots", all.slots());
        out.writeNumberField("runningTasks", all.runningTasks());
        out.writeNumberField("queueDepth", all.queueDepth());
        out.writeEndObject();
    }

    /** The data of an event. */
    static void event(JsonGenerator out, RunEvent event) throws IOException {
        out.writeStartObject();
        switch (event) {
            case RunEvent.Task task -> {
                text(out, "taskId", task.taskId());
                out.writeStringField("state", task.state().wireName());
                out.writeNumberField("attempt", task.attempt());
                optional(out, "workerId", task.workerId());
                time(out, "at", task.at());
            }
            case RunEvent.Progress progress -> {
                text(out, "taskId", progress.taskId());
                out.writeNumberField("attempt", progress.attempt());
                out.writeNumberField("percent", progress.percent());
            }
            case RunEvent.Run run -> {
                out.writeStringField("state", run.state().wireName());
                time(out, "at", run.at());
            }
            case RunEvent.Reset _ -> {}
        }
        out.writeEndObject();
    }

    static void number(JsonGenerator out, String name, Optional<Long> value) throws IOException {
        if (value.isPresent()) {
            out.writeNumberField(name, value.get());
        } else {
            out.writeNullField(name);
        }
    }

    static void number(JsonGenerator out, String name, OptionalInt value) throws IOException {
        number(out, name, value.isPresent() ? Optional.of((long) value.getAsInt()) : Optional.empty());
    }

    static void text(JsonGenerator out, String name, Object value) throws IOException {
        out.writeStringField(name, value.toString());
    }

    static void texts(JsonGenerator out, String name, List<String> values) throws IOException {
        out.writeFieldName(name);
        array(out, values, JsonGenerator::writeString);
    }

    static void optional(JsonGenerator out, String name, Optional<?> value) throws IOException {
        out.writeStringField(name, value.map(Object::toString).orElse(null));
    }

    static void time(JsonGenerator out, String name, Instant value) throws IOException {
        out.writeStringField(name, TIME.format(value));
    }

    static void time(JsonGenerator out, String name, Optional<Instant> value) throws IOException {
        if (value.isPresent()) {
            time(out, name, value.get());
        } else {
            out.writeNullField(name);
        }
    }

    static void json(JsonGenerator out, String name, Json value) throws IOException {
        out.writeFieldName(name);
        out.writeRawValue(value.text());
    }
}
