package dev.orrery.bus;

import static java.util.Objects.requireNonNull;

import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerHeard;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.bus.BusMessage.HandlerSaid;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.JobsChanged;
import dev.orrery.bus.BusMessage.RedrivesAsked;
import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.TenantsChanged;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How messages look between nodes: JSON with a type and few fields. They carry names and numbers, and who gets one looks into
 * the database for the rest; only calls of handlers bring their input along. None carries code. What is not understood is
 * as if it had not come.
 */
final class Wire {

    /** More than any message of ours has: the input and the output of a handler are text in text. */
    static final int MAX_BYTES = 4 << 20;

    private static final int NO_PROGRESS = -1;

    private Wire() {}

    static Buffer encode(BusMessage message) {
        var json = switch (message) {
            case WorkReady ready -> new JsonObject().put("queues", array(ready.queues()));
            case RetryDue due -> new JsonObject().put("inMillis", due.inMillis());
            case CancelsAsked _, HistoryGrew _, JobsChanged _, TenantsChanged _, RedrivesAsked _ -> new JsonObject();
            case ReleaseWork release ->
                new JsonObject().put("most", release.most()).put("queues", array(release.queues()));
            case Released released -> new JsonObject().put("count", released.count());
            case HandlerCall call ->
                new JsonObject()
                        .put("instance", call.instanceId().toString())
                        .put("attempt", call.attempt())
                        .put("fence", call.fence())
                        .put("handler", call.handler())
                        .put("input", call.input().text())
                        .put("tenant", call.tenant())
                        .put("traceparent", call.traceparent().orElse(null))
                        .put("caller", call.caller().map(NodeId::toString).orElseThrow());
            case HandlerReply reply ->
                new JsonObject()
                        .put("output", reply.output().text())
                        .put("log", array(reply.log()))
                        .put(
                                "snoozeMillis",
                                reply.snooze().map(Duration::toMillis).orElse(null));
            case HandlerSaid said ->
                new JsonObject()
                        .put("instance", said.instanceId().toString())
                        .put("fence", said.fence())
                        .put("offset", said.offset())
                        .put("text", said.text())
                        .put("progress", said.progress().orElse(NO_PROGRESS));
            case HandlerHeard heard -> new JsonObject().put("goOn", heard.goOn());
            default ->
                throw new IllegalArgumentException(message.getClass().getSimpleName() + " does not leave its process");
        };
        return json.put("type", message.getClass().getSimpleName()).toBuffer();
    }

    static Optional<BusMessage> decode(Buffer bytes) {
        if (bytes.length() > MAX_BYTES) {
            return Optional.empty();
        }
        try {
            var json = bytes.toJsonObject();
            return switch (json.getString("type", "")) {
                case "WorkReady" -> Optional.of(new WorkReady(texts(json)));
                case "RetryDue" -> Optional.of(new RetryDue(json.getLong("inMillis")));
                case "CancelsAsked" -> Optional.of(new CancelsAsked());
                case "HistoryGrew" -> Optional.of(new HistoryGrew());
                case "JobsChanged" -> Optional.of(new JobsChanged());
                case "TenantsChanged" -> Optional.of(new TenantsChanged());
                case "RedrivesAsked" -> Optional.of(new RedrivesAsked());
                case "ReleaseWork" -> Optional.of(new ReleaseWork(json.getInteger("most"), texts(json)));
                case "Released" -> Optional.of(new Released(json.getInteger("count")));
                case "HandlerCall" -> Optional.of(handlerCall(json));
                case "HandlerReply" ->
                    Optional.of(new HandlerReply(
                            new Json(json.getString("output")),
                            json.getJsonArray("log").stream()
                                    .map(String.class::cast)
                                    .toList(),
                            Optional.ofNullable(json.getLong("snoozeMillis")).map(Duration::ofMillis)));
                case "HandlerSaid" -> Optional.of(handlerSaid(json));
                case "HandlerHeard" -> Optional.of(new HandlerHeard(json.getBoolean("goOn")));
                default -> Optional.empty();
            };
        } catch (DecodeException | ClassCastException | NullPointerException | IllegalArgumentException foreign) {
            return Optional.empty();
        }
    }

    private static HandlerCall handlerCall(JsonObject json) {
        return new HandlerCall(
                TaskInstanceId.parse(json.getString("instance")),
                json.getInteger("attempt"),
                json.getLong("fence"),
                json.getString("handler"),
                new Json(json.getString("input")),
                json.getString("tenant"),
                Optional.ofNullable(json.getString("traceparent")),
                Optional.of(NodeId.parse(json.getString("caller"))));
    }

    private static HandlerSaid handlerSaid(JsonObject json) {
        int progress = json.getInteger("progress");
        return new HandlerSaid(
                TaskInstanceId.parse(json.getString("instance")),
                json.getLong("fence"),
                json.getLong("offset"),
                requireNonNull(json.getString("text"), "text"),
                progress == NO_PROGRESS ? OptionalInt.empty() : OptionalInt.of(progress));
    }

    private static JsonArray array(Collection<String> texts) {
        var array = new JsonArray();
        texts.forEach(array::add);
        return array;
    }

    private static Set<String> texts(JsonObject json) {
        return json.getJsonArray("queues").stream().map(String.class::cast).collect(Collectors.toSet());
    }
}
