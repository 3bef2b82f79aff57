package dev.orrery.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.task.TaskTokens;
import dev.orrery.service.remote.RemoteAssignment;
import dev.orrery.service.remote.RemoteClaim;
import dev.orrery.service.remote.RemoteWork.Polled;
import dev.orrery.service.remote.RemoteWork.Signs;
import dev.orrery.service.remote.RemoteWorkers.Registration;
import dev.orrery.store.RemoteWorkerRepository.StoredWorker;
import java.io.IOException;
import java.util.List;
import java.util.TreeMap;

/** How remote workers and what they are told look as JSON. */
final class RemoteShapes {

    private RemoteShapes() {}

    static void registration(JsonGenerator out, Registration made) throws IOException {
        out.writeStartObject();
        JsonShapes.text(out, "id", made.id());
        out.writeStringField("token", made.token());
        out.writeNumberField("leaseMs", made.lease().toMillis());
        out.writeNumberField("heartbeatMs", made.heartbeat().toMillis());
        out.writeEndObject();
    }

    static void worker(JsonGenerator out, StoredWorker worker) throws IOException {
        out.writeStartObject();
        JsonShapes.text(out, "id", worker.id());
        out.writeStringField("name", worker.name());
        out.writeStringField("version", worker.version());
        JsonShapes.texts(out, "handlers", worker.handlers());
        out.writeStringField("status", status(worker));
        out.writeNumberField("slots", worker.slots());
        out.writeNumberField("runningTasks", worker.running());
        out.writeNumberField("leaseMs", worker.lease().toMillis());
        out.writeNumberField("silentForMs", worker.silentFor().toMillis());
        JsonShapes.time(out, "registeredAt", worker.registeredAt());
        out.writeEndObject();
    }

    private static String status(StoredWorker worker) {
        if (worker.silentFor().compareTo(worker.lease()) > 0) {
            return "silent";
        }
        return worker.running() > 0 ? "running" : "idle";
    }

    static void polled(JsonGenerator out, Polled polled, TaskTokens tokens) throws IOException {
        out.writeStartObject();
        out.writeFieldName("assignments");
        JsonShapes.array(out, polled.assignments(), (array, assignment) -> assignment(array, assignment, tokens));
        claims(out, polled.signs());
        out.writeEndObject();
    }

    static void signs(JsonGenerator out, Signs signs) throws IOException {
        out.writeStartObject();
        claims(out, signs);
        out.writeEndObject();
    }

    private static void claims(JsonGenerator out, Signs signs) throws IOException {
        JsonShapes.texts(out, "cancel", texts(signs.cancel()));
        JsonShapes.texts(out, "lost", texts(signs.lost()));
    }

    private static List<String> texts(List<RemoteClaim> claims) {
        return claims.stream().map(RemoteClaim::toString).toList();
    }

    private static void assignment(JsonGenerator out, RemoteAssignment assignment, TaskTokens tokens)
            throws IOException {
        var task = assignment.task();
        out.writeStartObject();
        JsonShapes.text(out, "claimId", assignment.claim());
        out.writeStringField("handler", assignment.handler());
        JsonShapes.json(out, "input", assignment.input());
        if (assignment.params().isPresent()) {
            JsonShapes.json(out, "params", assignment.params().get());
        } else {
            out.writeNullField("params");
        }
        out.writeObjectFieldStart("outputs");
        for (var output : new TreeMap<>(assignment.outputs()).entrySet()) {
            JsonShapes.json(out, output.getKey().value(), output.getValue());
        }
        out.writeEndObject();
        if (task.dag().isPresent()) {
            JsonShapes.text(out, "runId", task.runId());
            out.writeStringField("dagName", task.dag().get().name());
        } else {
            out.writeNullField("runId");
            out.writeNullField("dagName");
        }
        JsonShapes.text(out, "taskId", task.taskId());
        out.writeNumberField("attempt", task.attempt());
        out.writeNumberField("timeoutMs", assignment.limit().toMillis());
        if (task.lockFence().isPresent()) {
            out.writeNumberField("lockFence", task.lockFence().getAsLong());
        } else {
            out.writeNullField("lockFence");
        }
        out.writeStringField("taskToken", tokens.of(task.instanceId(), task.fence()));
        out.writeStringField("traceparent", task.trace().traceparent());
        out.writeEndObject();
    }
}
