package dev.orrery.api;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Reply;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.UUID;

/** Remote workers that call a whole node by HTTP. */
abstract class RemoteWorkersApiTestBase extends JobsApiTestBase {

    static final String WORKERS = "/api/v1/remote-workers";
    static final String RUNS = "/api/v1/runs";
    static final JsonObject NOTHING = new JsonObject();

    /** A worker that has registered, with its token. */
    record Worker(String id, String token) {

        static Worker offering(String... handlers) {
            return of(new JsonObject().put("name", "w").put("handlers", new JsonArray(List.of(handlers))));
        }

        static Worker of(JsonObject registration) {
            var answer = client.post(WORKERS).json(registration).send();
            assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
            return new Worker(answer.json().getString("id"), answer.json().getString("token"));
        }

        ApiClient.Call post(String path) {
            return client.post(WORKERS + "/" + id + path).header("Orrery-Worker-Token", token);
        }

        Future<Reply> startPoll(JsonObject body) {
            return post("/poll").json(body).start();
        }

        JsonObject poll(JsonObject body) {
            return good(await(startPoll(body)));
        }

        /** The first task that it is given. */
        JsonObject fetch() {
            return first(poll(NOTHING));
        }

        JsonObject beat(String... claims) {
            return good(post("/heartbeat")
                    .json(new JsonObject().put("claims", new JsonArray(List.of(claims))))
                    .send());
        }

        Reply report(JsonObject task, String what, JsonObject body) {
            return post("/claims/" + claim(task) + "/" + what).json(body).send();
        }

        void complete(JsonObject task, JsonObject output) {
            assertThat(report(task, "complete", new JsonObject().put("output", output))
                            .status())
                    .isEqualTo(204);
        }

        Reply leave() {
            return client.delete(WORKERS + "/" + id)
                    .header("Orrery-Worker-Token", token)
                    .send();
        }

        private static JsonObject good(Reply answer) {
            assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
            return answer.json();
        }
    }

    static JsonObject first(JsonObject polled) {
        assertThat(polled.getJsonArray("assignments")).as("a task was ready").isNotEmpty();
        return polled.getJsonArray("assignments").getJsonObject(0);
    }

    static String claim(JsonObject task) {
        return task.getString("claimId");
    }

    static String run(String handler, String more) {
        return node.trigger(node.publish(
                handler + " " + UUID.randomUUID(), "tasks: [{id: a, type: agent, handler: " + handler + more + "}]"));
    }

    static JsonObject task(String run) {
        return client.get(RUNS + "/" + run + "/tasks/a").send().json();
    }

    static void isStale(Reply answer) {
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(409);
        assertThat(answer.code()).isEqualTo("STALE_CLAIM");
    }

    static void isGone(Reply answer) {
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(410);
        assertThat(answer.code()).isEqualTo("WORKER_GONE");
    }

    static JsonArray listed(String handler) {
        return client.get(WORKERS + "?handler=" + handler).send().json().getJsonArray("items");
    }
}
