package dev.orrery.bus;

import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.WorkReady;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How messages look between nodes: JSON with a type and few fields. They carry names and numbers, never code; who gets one
 * looks into the database for the rest. What is not understood is as if it had not come.
 */
final class Wire {

    /** More than any message of ours has. */
    static final int MAX_BYTES = 256 << 10;

    private Wire() {}

    static Buffer encode(BusMessage message) {
        var json = switch (message) {
            case WorkReady ready -> new JsonObject().put("queues", array(ready.queues()));
            case RetryDue due -> new JsonObject().put("inMillis", due.inMillis());
            case CancelsAsked _, HistoryGrew _ -> new JsonObject();
            case ReleaseWork release ->
                new JsonObject().put("most", release.most()).put("queues", array(release.queues()));
            case Released released -> new JsonObject().put("count", released.count());
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
                case "ReleaseWork" -> Optional.of(new ReleaseWork(json.getInteger("most"), texts(json)));
                case "Released" -> Optional.of(new Released(json.getInteger("count")));
                default -> Optional.empty();
            };
        } catch (DecodeException | ClassCastException | NullPointerException | IllegalArgumentException foreign) {
            return Optional.empty();
        }
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
