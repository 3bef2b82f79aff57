package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Events and their handlers as callers see them, on a node that does the work. */
class EventsApiIT extends JobsApiTestBase {

    private static final String EVENTS = "/api/v1/events";
    private static final String HANDLERS = "/api/v1/event-handlers";

    @Test
    void anEventIsGivenToThoseWhoWantItAndTellsWhatItCaused() {
        var wants = handler(on("order.paid")
                .put("filter", "event.payload.amount > 100")
                .put("payloadMapping", "{'order': event.payload.id, 'from': event.source, 'event': event.id}"));
        var doesNot = handler(on("order.paid").put("filter", "event.payload.amount > 1000"));

        var published = publish(new JsonObject()
                .put("name", "order.paid")
                .put("source", "shop")
                .put("payload", new JsonObject().put("id", 7).put("amount", 500)));

        assertThat(outcomes(published)).containsExactlyInAnyOrder(wants + " fired", doesNot + " filtered");
        var id = published.getString("id");
        var execution = delivery(published, wants).getString("executionId");
        until("it is done", () -> execution(execution).getString("status").equals("success"));
        assertThat(execution(execution).getJsonObject("result"))
                .isEqualTo(new JsonObject().put("order", 7).put("from", "shop").put("event", id));
        assertThat(execution(execution).getString("eventId")).isEqualTo(id);
        assertThat(execution(execution).getString("triggeredBy")).isEqualTo("event");
        var read = client.get(EVENTS + "/" + id).send().json();
        assertThat(read.getJsonObject("payload").getInteger("amount")).isEqualTo(500);
        assertThat(read.getJsonArray("deliveries")).isEqualTo(published.getJsonArray("deliveries"));
        until("it is counted", () -> handlerOf(wants).getInteger("successCount") == 1);
        assertThat(executions(wants, "?status=success")).hasSize(1);
    }

    @Test
    void anEventThatComesAgainIsAnsweredAlikeAndFiresNothing() {
        handler(on("repeated"));
        var body = new JsonObject().put("name", "repeated").put("key", "k").put("payload", 1);

        var first = publish(body);
        var again = publish(body);

        assertThat(again.getBoolean("repeated")).isTrue();
        assertThat(again.getJsonArray("deliveries")).isEqualTo(first.getJsonArray("deliveries"));
        var other = client.post(EVENTS).json(body.copy().put("payload", 2)).send();
        assertThat(other.code()).isEqualTo("CONFLICT");
        assertThat(other.problem().getString("path")).isEqualTo("events[0].key");
        var unkeyed = new JsonObject().put("name", "repeated");
        var keyed = client.post(EVENTS)
                .header("Idempotency-Key", "e-1")
                .json(unkeyed)
                .send();
        var keyedAgain = client.post(EVENTS)
                .header("Idempotency-Key", "e-1")
                .json(unkeyed)
                .send();
        assertThat(keyedAgain.json().getJsonArray("events").getJsonObject(0).getString("id"))
                .isEqualTo(keyed.json().getJsonArray("events").getJsonObject(0).getString("id"));
        assertThat(client.post(EVENTS)
                        .header("Idempotency-Key", "e-1")
                        .json(body)
                        .send()
                        .code())
                .isEqualTo("CONFLICT");
        assertThat(items(EVENTS + "?name=repeated")).hasSize(2);
    }

    @Test
    void severalEventsAreOneRequestAndListedPageByPage() {
        var batch = new JsonArray();
        for (var n = 0; n < 5; n++) {
            batch.add(new JsonObject().put("name", "listed").put("payload", new JsonArray().add(n)));
        }
        var answer =
                client.post(EVENTS).json(new JsonObject().put("events", batch)).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
        var made = ids(answer.json().getJsonArray("events"));

        var first = client.get(EVENTS + "?name=listed&limit=3").send().json();
        var rest = client.get(EVENTS + "?name=listed&limit=3&cursor=" + first.getString("nextCursor"))
                .send()
                .json();

        assertThat(rest.getString("nextCursor")).isNull();
        var listed = new java.util.ArrayList<>(ids(first.getJsonArray("items")));
        listed.addAll(ids(rest.getJsonArray("items")));
        assertThat(listed.reversed()).isEqualTo(made);
        assertThat(items(EVENTS + "?name=listed&to=2020-01-01T00:00:00Z")).isEmpty();
        assertThat(items(EVENTS + "?from=2020-01-01T00:00:00Z&limit=500")).hasSizeGreaterThanOrEqualTo(5);
        assertThat(client.get(EVENTS + "/" + NOBODY).send().code()).isEqualTo("EVENT_NOT_FOUND");
    }

    @Test
    void aHandlerIsAJobThatIsPausedAndChangedAndDeleted() {
        var id = handler(
                on("lived").put("debounce", new JsonObject().put("wait", "7d")).put("tags", new JsonArray().add("t")));
        assertThat(job(id).getString("type")).isEqualTo("event");
        assertThat(list("?type=event&tag=t")).containsExactly(id);
        assertThat(next(id, 3)).isEmpty();

        change(id, "{\"debounce\":null,\"enabled\":false,\"filter\":\"event.payload.n == 1\"}");
        assertThat(job(id).getString("status")).isEqualTo("paused");
        assertThat(outcomes(publish(event("lived", 1)))).isEmpty();
        assertThat(items(HANDLERS + "?eventName=lived&enabled=true")).isEmpty();
        assertThat(items(HANDLERS + "?eventName=lived&enabled=false")).hasSize(1);

        assertThat(client.post(JOBS + "/" + id + "/resume").send().status()).isEqualTo(200);
        assertThat(handlerOf(id).getBoolean("enabled")).isTrue();
        assertThat(outcomes(publish(event("lived", 1)))).containsExactly(id + " fired");
        assertThat(outcomes(publish(event("lived", 2)))).containsExactly(id + " filtered");
        assertThat(client.call("PATCH", JOBS + "/" + id)
                        .json("{\"name\":\"x\"}")
                        .send()
                        .code())
                .isEqualTo("CONFLICT");

        assertThat(client.call("DELETE", HANDLERS + "/" + id).send().status()).isEqualTo(204);
        assertThat(client.get(HANDLERS + "/" + id).send().code()).isEqualTo("EVENT_HANDLER_NOT_FOUND");
        assertThat(outcomes(publish(event("lived", 1)))).isEmpty();
        until("its rows are gone", () -> node.jobRows(id) == 0);
    }

    @Test
    void whatIsWrongIsToldAtOnceWithItsPlace() {
        assertThat(refused(on("bad")
                        .put("filter", "event.payload.x +")
                        .put("payloadMapping", "nothing.known")
                        .put("payload", new JsonObject().put("a", 1))
                        .put(
                                "throttle",
                                new JsonObject()
                                        .put("limit", 1)
                                        .put("per", "1m")
                                        .put("key", "1 +"))))
                .contains("filter BAD_EXPRESSION", "payloadMapping BAD_EXPRESSION", "throttle.key BAD_EXPRESSION")
                .contains("payload CONFLICTING_FIELDS");
        assertThat(refused(on("bad")
                        .put("debounce", new JsonObject().put("wait", "1h").put("maxWait", "1m"))))
                .containsExactly("debounce.maxWait OUT_OF_RANGE");
        assertThat(refused(on("bad").put("debounce", new JsonObject().put("wait", "1y"))))
                .containsExactly("debounce.wait BAD_DURATION");
        assertThat(refused(on("bad")
                        .put("throttle", new JsonObject().put("limit", 0).put("per", "8d"))))
                .containsExactly("throttle.limit OUT_OF_RANGE");
        assertThat(refused(on("no spaces"))).containsExactly("eventName INVALID_VALUE");
        assertThat(problems(
                        new JsonObject().put("name", "bad").put("type", "event").put("handlerName", "noop")))
                .containsExactly("type INVALID_VALUE");
        assertThat(client.post(HANDLERS)
                        .json(on("bad").put("handlerType", "workflow").put("handlerName", "nowhere"))
                        .send()
                        .code())
                .isEqualTo("HANDLER_NOT_FOUND");
        assertThat(items(HANDLERS + "?eventName=bad")).isEmpty();
        assertThat(client.post(EVENTS).json("{}").send().problem().getString("path"))
                .isEqualTo("name");
        assertThat(client.post(EVENTS)
                        .json("{\"events\":[{\"name\":\"a\"}],\"name\":\"b\"}")
                        .send()
                        .problem()
                        .getString("code"))
                .isEqualTo("CONFLICTING_FIELDS");
    }

    @Test
    void anEventThatAnExpressionCannotReadIsToldAndKeepsOthersFromNothing() {
        var fails = handler(on("odd").put("filter", "event.payload.amount > 100"));
        var fires = handler(on("odd"));

        var published = publish(new JsonObject().put("name", "odd").put("payload", "no object"));

        assertThat(outcomes(published)).containsExactlyInAnyOrder(fails + " failed", fires + " fired");
        assertThat(delivery(published, fails).getString("error")).startsWith("filter: ");
    }

    @Test
    void aShellCommandFindsTheEvent() {
        var id = handler(on("shelled")
                .put("handlerName", "shell")
                .put("payload", new JsonObject().put("command", "echo \"::output $(cat \"$ORRERY_PARAMS\")\"")));

        var published = publish(event("shelled", 3));

        var execution = delivery(published, id).getString("executionId");
        until("it is done", () -> execution(execution).getString("status").equals("success"));
        assertThat(execution(execution).getJsonObject("result")).isEqualTo(new JsonObject().put("n", 3));
    }

    @Test
    void severalEventsOfAKeyFireOnceWithTheLast() {
        var id = handler(on("typed")
                .put("debounce", new JsonObject().put("wait", "300ms").put("key", "event.payload.who")));
        var ids = List.of("ada", "bob", "ada").stream()
                .map(who -> publish(new JsonObject()
                                .put("name", "typed")
                                .put("payload", new JsonObject().put("who", who).put("at", System.nanoTime())))
                        .getString("id"))
                .toList();

        until("both keys fired", () -> executions(id, "?status=success").size() == 2);

        assertThat(ids.stream()
                        .map(each ->
                                outcomes(client.get(EVENTS + "/" + each).send().json())))
                .containsExactly(List.of(id + " debounced"), List.of(id + " fired"), List.of(id + " fired"));
    }

    private static JsonObject on(String event) {
        return new JsonObject().put("eventName", event).put("handlerName", "echo");
    }

    private static JsonObject event(String name, int number) {
        return new JsonObject().put("name", name).put("payload", new JsonObject().put("n", number));
    }

    private static String handler(JsonObject body) {
        var answer = client.post(HANDLERS).json(body).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
        return answer.json().getString("id");
    }

    private static JsonObject handlerOf(String id) {
        return client.get(HANDLERS + "/" + id).send().json();
    }

    private static void change(String id, String changes) {
        var answer = client.call("PATCH", HANDLERS + "/" + id).json(changes).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
    }

    private static List<String> refused(JsonObject body) {
        var answer = client.post(HANDLERS).json(body).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(400);
        return answer.json().getJsonArray("details").stream()
                .map(JsonObject.class::cast)
                .map(problem -> problem.getString("path") + " " + problem.getString("code"))
                .toList();
    }

    private static JsonObject publish(JsonObject event) {
        var answer = client.post(EVENTS).json(event).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
        return answer.json().getJsonArray("events").getJsonObject(0);
    }

    private static List<String> outcomes(JsonObject event) {
        return event.getJsonArray("deliveries").stream()
                .map(JsonObject.class::cast)
                .map(each -> each.getString("handlerId") + " " + each.getString("outcome"))
                .toList();
    }

    private static JsonObject delivery(JsonObject event, String handler) {
        return event.getJsonArray("deliveries").stream()
                .map(JsonObject.class::cast)
                .filter(each -> each.getString("handlerId").equals(handler))
                .findFirst()
                .orElseThrow();
    }
}
