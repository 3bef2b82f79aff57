package dev.orrery.api;

import static dev.orrery.api.JsonShapes.array;
import static dev.orrery.api.JsonShapes.json;
import static dev.orrery.api.JsonShapes.optional;
import static dev.orrery.api.JsonShapes.text;
import static dev.orrery.api.JsonShapes.texts;
import static dev.orrery.api.JsonShapes.time;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.Json;
import dev.orrery.domain.task.Durations;
import dev.orrery.domain.task.SingleTask;
import dev.orrery.domain.task.SubmittedState;
import dev.orrery.service.TaskExplanation;
import dev.orrery.service.TaskQueue;
import dev.orrery.service.TaskQueue.SubmittedOfBatch;
import dev.orrery.store.DagJson;
import dev.orrery.store.TaskCountsRepository.Depth;
import dev.orrery.store.TaskCountsRepository.Stats;
import dev.orrery.store.TaskCountsRepository.Throughput;
import dev.orrery.store.TaskDependencyRepository.Dependency;
import dev.orrery.store.TaskDependencyRepository.Related;
import dev.orrery.store.TaskQueueRepository.Tree;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** How single tasks look as JSON. */
final class SingleTaskShapes {

    private SingleTaskShapes() {}

    static void task(JsonGenerator out, SingleTask task) throws IOException {
        out.writeStartObject();
        fields(out, task);
        out.writeEndObject();
    }

    private static void fields(JsonGenerator out, SingleTask task) throws IOException {
        text(out, "id", task.id());
        out.writeStringField("name", task.name());
        out.writeStringField("type", task.type());
        optional(out, "queue", task.queue());
        out.writeNumberField("priority", task.priority());
        out.writeNumberField("calculatedPriority", (float) task.calculatedPriority());
        time(out, "deadline", task.deadline());
        if (task.estimate().isPresent()) {
            out.writeNumberField(
                    "estimatedDurationSeconds", task.estimate().get().toMillis() / 1_000.0);
        } else {
            out.writeNullField("estimatedDurationSeconds");
        }
        out.writeNumberField("dependencyDepth", task.depth());
        out.writeStringField("source", task.source().wireName());
        optional(out, "createdBy", task.createdBy());
        optional(out, "parentTaskId", task.parent());
        optional(out, "sessionId", task.sessionId());
        out.writeFieldName("dependencies");
        array(out, task.dependencies(), (ids, id) -> ids.writeString(id.toString()));
        out.writeStringField("dependencyType", task.dependencyType().wireName());
        out.writeNumberField("maxRetries", task.maxRetries());
        out.writeStringField("timeout", Durations.text(task.timeout()));
        texts(out, "tags", task.tags());
        optional(out, "uniqueKey", task.uniqueKey());
        time(out, "notBefore", task.notBefore());
        optional(out, "concurrencyKey", task.concurrencyKey());
        out.writeStringField("state", task.state().wireName());
        optional(out, "error", task.error());
        out.writeNumberField("retryCount", task.retryCount());
        time(out, "submittedAt", task.submittedAt());
        time(out, "startedAt", task.startedAt());
        time(out, "completedAt", task.completedAt());
        time(out, "lastUpdatedAt", task.updatedAt());
    }

    static void detail(JsonGenerator out, TaskQueue.Detail detail, Optional<String> waitingFor) throws IOException {
        var stored = detail.stored();
        out.writeStartObject();
        fields(out, stored.task());
        json(
                out,
                "definition",
                DagJson.showSingle(
                        DagJson.readSingle(stored.definition(), stored.task().id())));
        json(out, "input", stored.input());
        var isCompleted = stored.task().state() == SubmittedState.COMPLETED;
        json(out, "result", stored.result().filter(_ -> isCompleted).orElse(Json.NULL));
        time(out, "nextAttemptAt", stored.nextAttemptAt());
        JsonShapes.number(out, "progress", stored.progress());
        optional(out, "waitingFor", waitingFor);
        out.writeFieldName("blockedBy");
        array(out, detail.blockedBy(), (array, edge) -> related(array, edge.other()));
        out.writeNumberField("blockedByCount", detail.counts().openPrerequisites());
        out.writeFieldName("blocks");
        array(out, detail.blocks(), (array, edge) -> related(array, edge.other()));
        out.writeNumberField("blocksCount", detail.counts().openDependents());
        out.writeFieldName("attempts");
        array(
                out,
                detail.attempts(),
                (attempts, attempt) ->
                        JsonShapes.attempt(attempts, stored.task().id(), attempt));
        out.writeEndObject();
    }

    private static void related(JsonGenerator out, Related task) throws IOException {
        out.writeStartObject();
        text(out, "id", task.id());
        out.writeStringField("name", task.name());
        out.writeStringField("state", task.state().wireName());
        out.writeEndObject();
    }

    /** {@code refs}: what the tasks call themselves, in their order. */
    static void batch(JsonGenerator out, List<SubmittedOfBatch> tasks, List<Optional<String>> refs) throws IOException {
        out.writeStartObject();
        out.writeArrayFieldStart("tasks");
        for (var n = 0; n < tasks.size(); n++) {
            var task = tasks.get(n);
            out.writeStartObject();
            text(out, "id", task.id());
            optional(out, "ref", refs.get(n));
            out.writeBooleanField("isNew", task.isNew());
            out.writeStringField("state", task.state().wireName());
            out.writeEndObject();
        }
        out.writeEndArray();
        out.writeEndObject();
    }

    static void dependencies(JsonGenerator out, TaskQueue.Dependencies all) throws IOException {
        out.writeStartObject();
        out.writeFieldName("dependencies");
        array(out, all.prerequisites(), SingleTaskShapes::dependency);
        out.writeFieldName("dependents");
        array(out, all.dependents(), SingleTaskShapes::dependency);
        out.writeNumberField("dependentsCount", all.dependentsCount());
        out.writeEndObject();
    }

    private static void dependency(JsonGenerator out, Dependency edge) throws IOException {
        out.writeStartObject();
        out.writeNumberField("id", edge.id());
        text(out, "dependentTaskId", edge.dependent());
        text(out, "prerequisiteTaskId", edge.prerequisite());
        out.writeStringField("dependencyType", edge.type().wireName());
        time(out, "createdAt", edge.createdAt());
        time(out, "resolvedAt", edge.resolvedAt());
        out.writeStringField("name", edge.other().name());
        out.writeStringField("state", edge.other().state().wireName());
        out.writeEndObject();
    }

    static void tree(JsonGenerator out, Tree tree) throws IOException {
        out.writeStartObject();
        out.writeFieldName("tasks");
        array(out, tree.nodes(), (array, node) -> {
            array.writeStartObject();
            array.writeNumberField("level", node.level());
            array.writeFieldName("task");
            task(array, node.task());
            array.writeEndObject();
        });
        out.writeBooleanField("isComplete", tree.isComplete());
        out.writeEndObject();
    }

    static void explanation(JsonGenerator out, TaskExplanation explanation) throws IOException {
        out.writeStartObject();
        JsonShapes.text(out, "taskId", explanation.id());
        out.writeStringField("state", SubmittedState.of(explanation.state()).wireName());
        out.writeStringField("summary", explanation.summary());
        out.writeFieldName("reasons");
        array(out, explanation.reasons(), SingleTaskShapes::reason);
        if (explanation.place().isPresent()) {
            out.writeFieldName("place");
            place(out, explanation.place().get());
        } else {
            out.writeNullField("place");
        }
        out.writeEndObject();
    }

    private static void reason(JsonGenerator out, TaskExplanation.Reason reason) throws IOException {
        out.writeStartObject();
        out.writeStringField("kind", reason.kind().wireName());
        out.writeStringField("message", reason.message());
        out.writeArrayFieldStart("tasks");
        for (var task : reason.tasks()) {
            out.writeString(task);
        }
        out.writeEndArray();
        JsonShapes.time(out, "until", reason.until());
        out.writeEndObject();
    }

    private static void place(JsonGenerator out, TaskExplanation.Place place) throws IOException {
        out.writeStartObject();
        optional(out, "queue", place.queue());
        JsonShapes.number(out, "ahead", place.ahead());
        JsonShapes.time(out, "readyAt", place.readyAt());
        JsonShapes.time(out, "latestStart", place.latestStart());
        out.writeNumberField("priority", rounded(place.priority()));
        out.writeNumberField("calculatedPriority", rounded(place.calculatedPriority()));
        JsonShapes.time(out, "mustStartBy", place.mustStartBy());
        out.writeEndObject();
    }

    private static double rounded(double value) {
        return Math.round(value * 1_000) / 1_000.0;
    }

    static void stats(JsonGenerator out, Stats stats) throws IOException {
        out.writeStartObject();
        out.writeArrayFieldStart("states");
        for (var state : SubmittedState.values()) {
            if (!state.isTerminal()) {
                count(
                        out,
                        state,
                        stats.depths().stream()
                                .filter(depth -> depth.state() == state)
                                .mapToInt(Depth::count)
                                .sum());
            }
        }
        out.writeEndArray();
        out.writeFieldName("queues");
        array(out, stats.depths(), SingleTaskShapes::depth);
        number(
                out,
                "oldestReadySeconds",
                stats.depths().stream()
                        .flatMapToDouble(depth -> depth.oldestSeconds().stream())
                        .max());
        out.writeFieldName("throughput");
        array(out, stats.throughput(), SingleTaskShapes::throughput);
        out.writeBooleanField("isComplete", stats.isComplete());
        out.writeEndObject();
    }

    private static void count(JsonGenerator out, SubmittedState state, int count) throws IOException {
        out.writeStartObject();
        out.writeStringField("state", state.wireName());
        out.writeNumberField("count", count);
        out.writeEndObject();
    }

    static void submittedWith(JsonGenerator out, Map<SubmittedState, Integer> counts) throws IOException {
        out.writeStartObject();
        out.writeNumberField(
                "total", counts.values().stream().mapToInt(Integer::intValue).sum());
        out.writeArrayFieldStart("states");
        for (var state : SubmittedState.values()) {
            if (counts.containsKey(state)) {
                count(out, state, counts.get(state));
            }
        }
        out.writeEndArray();
        out.writeEndObject();
    }

    private static void depth(JsonGenerator out, Depth depth) throws IOException {
        out.writeStartObject();
        optional(out, "queue", depth.queue());
        out.writeStringField("state", depth.state().wireName());
        out.writeNumberField("priority", depth.priority());
        out.writeNumberField("count", depth.count());
        number(out, "oldestReadySeconds", depth.oldestSeconds());
        out.writeEndObject();
    }

    private static void throughput(JsonGenerator out, Throughput window) throws IOException {
        out.writeStartObject();
        out.writeNumberField("windowSeconds", window.windowSeconds());
        out.writeNumberField("submitted", window.submitted());
        out.writeNumberField("completed", window.completed());
        out.writeNumberField("failed", window.failed());
        out.writeNumberField("cancelled", window.cancelled());
        out.writeBooleanField("isComplete", window.isComplete());
        out.writeEndObject();
    }

    private static void number(JsonGenerator out, String name, OptionalDouble value) throws IOException {
        if (value.isPresent()) {
            out.writeNumberField(name, Math.round(value.getAsDouble() * 1_000) / 1_000.0);
        } else {
            out.writeNullField(name);
        }
    }
}
