package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** New dead letters as events that handlers react to. */
class LetterEventsIT {

    private NodeUnderTest node;

    @TempDir
    private Path folder;

    @BeforeEach
    void start() {
        node = new NodeUnderTest(folder);
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void handlersAreToldOnceOfEachNewLetter() {
        failing("before-anybody-listens");
        until("it is passed over", () -> node.rows("dead_letters", "is_announced") == 1);
        listen("echo");
        failing("told");

        until("it is told", () -> node.rows("job_executions", "cause = 'event'") == 1);
        var letter = node.value("SELECT id FROM orrery.dead_letters ORDER BY created_at DESC LIMIT 1");
        var event = events().getJsonObject(0);
        assertThat(event.getString("key")).isEqualTo(letter);
        var payload = node.client
                .get("/api/v1/events/" + event.getString("id"))
                .send()
                .json()
                .getJsonObject("payload");
        assertThat(payload.getString("letterId")).isEqualTo(letter);
        assertThat(payload.getString("name")).isEqualTo("told");
        assertThat(payload.getString("outcome")).isEqualTo("failed");
        assertThat(payload.getString("error")).contains("no-such-handler");

        // As if the node had died before it noted that it told.
        node.execute("UPDATE orrery.dead_letters SET is_announced = false WHERE id = '" + letter + "'");
        until("it is noted", () -> node.rows("dead_letters", "NOT is_announced") == 0);

        assertThat(events()).hasSize(1);
        assertThat(node.rows("job_executions", "cause = 'event'")).isEqualTo(1);
    }

    @Test
    void theLettersOfSuchHandlersThemselvesGoNotRound() {
        listen("no-such-handler");
        failing("told");

        until("the handler has left a letter too", () -> node.rows("dead_letters", "run_id IS NOT NULL") == 1);
        until("both are dealt with", () -> node.rows("dead_letters", "is_announced") == 2);

        assertThat(events()).hasSize(1);
    }

    private void listen(String handler) {
        var reply = node.client
                .post("/api/v1/event-handlers")
                .json(new JsonObject()
                        .put("eventName", "dead_letter.added")
                        .put("handlerName", handler)
                        .put("maxRetries", 0))
                .send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
    }

    private void failing(String name) {
        var letters = node.rows("dead_letters", "true");
        var reply = node.client
                .post("/api/v1/tasks")
                .json(new JsonObject()
                        .put("name", name)
                        .put("type", "handler")
                        .put("handler", "no-such-handler")
                        .put("maxRetries", 0))
                .send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        until("it has failed", () -> node.rows("dead_letters", "true") > letters);
    }

    private JsonArray events() {
        return node.client
                .get("/api/v1/events?name=dead_letter.added")
                .send()
                .json()
                .getJsonArray("items");
    }
}
