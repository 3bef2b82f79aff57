package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReplayApiIT extends JobsApiTestBase {

    private static final String EVENTS = "/api/v1/events";

    private static String handler(String event) {
        var answer = client.post("/api/v1/event-handlers")
                .json(new JsonObject().put("eventName", event).put("handlerName", "noop"))
                .send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
        return answer.json().getString("id");
    }

    private static String published(String name, int n) {
        var answer = client.post(EVENTS)
                .json(new JsonObject()
                        .put("name", name)
                        .put("key", "k-" + n)
                        .put("payload", new JsonObject().put("n", n)))
                .send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
        return answer.json().getJsonArray("events").getJsonObject(0).getString("id");
    }

    private static JsonObject range(String name) {
        return new JsonObject()
                .put("name", name)
                .put("from", "2026-01-01T00:00:00Z")
                .put("to", "2999-01-01T00:00:00Z");
    }

    private static JsonObject replayed(JsonObject range) {
        var answer = client.post(EVENTS + "/replay").json(range).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
        return answer.json();
    }

    private static List<String> ids(JsonObject part, String field) {
        return part.getJsonArray("events").stream()
                .map(each -> ((JsonObject) each).getString(field))
                .toList();
    }

    @Test
    void anEventIsPublishedOnceMore() {
        var first = published("one", 1);
        var handler = handler("one");

        var again = client.post(EVENTS + "/" + first + "/replay").send().json();
        var event = client.get(EVENTS + "/" + ids(again, "replayedAs").getFirst())
                .send()
                .json();

        assertThat(event.getString("replayOf")).isEqualTo(first);
        assertThat(event.getString("key")).isNull();
        assertThat(event.getJsonObject("payload")).isEqualTo(new JsonObject().put("n", 1));
        assertThat(event.getJsonArray("deliveries").getJsonObject(0).getString("handlerId"))
                .isEqualTo(handler);
        assertThat(again.getJsonArray("events").getJsonObject(0).getInteger("executionsCount"))
                .isEqualTo(1);
    }

    @Test
    void onlyTheHandlersThatAreNamedHaveIt() {
        var first = published("named", 1);
        handler("named");
        var other = handler("named");

        var again = client.post(EVENTS + "/" + first + "/replay")
                .json(new JsonObject().put("handlerIds", new JsonArray().add(other)))
                .send()
                .json();
        var deliveries = client.get(EVENTS + "/" + ids(again, "replayedAs").getFirst())
                .send()
                .json()
                .getJsonArray("deliveries");

        assertThat(deliveries).hasSize(1);
        assertThat(deliveries.getJsonObject(0).getString("handlerId")).isEqualTo(other);
    }

    @Test
    void aRangeIsReplayedPartByPartInTheOrderOfTime() {
        var events = List.of(published("many", 1), published("many", 2), published("many", 3));

        var looked = replayed(range("many").put("dryRun", true));
        var first = replayed(range("many").put("limit", 2));
        var rest = replayed(range("many").put("limit", 2).put("cursor", first.getString("nextCursor")));

        assertThat(ids(looked, "eventId")).isEqualTo(events);
        assertThat(ids(looked, "replayedAs")).containsOnlyNulls();
        assertThat(ids(first, "eventId")).isEqualTo(events.subList(0, 2));
        assertThat(ids(rest, "eventId")).isEqualTo(events.subList(2, 3));
        assertThat(rest.getString("nextCursor")).isNull();
        assertThat(node.rows("events", "name = 'many'")).isEqualTo(6);
    }

    @Test
    void replaysAreNotReplayed() {
        published("loop", 1);

        replayed(range("loop"));
        var second = replayed(range("loop"));

        assertThat(ids(second, "eventId")).hasSize(1);
        assertThat(node.rows("events", "name = 'loop'")).isEqualTo(3);
    }

    @Test
    void theSameRequestReplaysOnce() {
        published("safe", 1);
        var call = range("safe");

        var first = client.post(EVENTS + "/replay")
                .header("Idempotency-Key", "r")
                .json(call)
                .send();
        var again = client.post(EVENTS + "/replay")
                .header("Idempotency-Key", "r")
                .json(call)
                .send();

        assertThat(ids(again.json(), "replayedAs")).isEqualTo(ids(first.json(), "replayedAs"));
        assertThat(node.rows("events", "name = 'safe'")).isEqualTo(2);
    }

    @Test
    void whatIsNotThereIsTold() {
        var event = published("gone", 1);

        assertThat(client.post(EVENTS + "/" + NOBODY + "/replay").send().code()).isEqualTo("EVENT_NOT_FOUND");
        assertThat(client.post(EVENTS + "/" + event + "/replay")
                        .json(new JsonObject().put("handlerIds", new JsonArray().add(NOBODY)))
                        .send()
                        .code())
                .isEqualTo("EVENT_HANDLER_NOT_FOUND");
        assertThat(client.post(EVENTS + "/replay")
                        .json(range("gone").put("from", "yesterday"))
                        .send()
                        .problem()
                        .getString("path"))
                .isEqualTo("from");
        assertThat(client.post(EVENTS + "/replay")
                        .json(range("gone").put("cursor", "x"))
                        .send()
                        .problem()
                        .getString("code"))
                .isEqualTo("BAD_CURSOR");
    }
}
