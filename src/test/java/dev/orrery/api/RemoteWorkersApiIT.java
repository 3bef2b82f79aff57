package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Remote workers as they see it: by HTTP, against a whole node. */
class RemoteWorkersApiIT extends JobsApiTestBase {

    private static final String WORKERS = "/api/v1/remote-workers";

    private record Worker(String id, String token) {

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

        JsonObject poll(JsonObject body) {
            var answer = post("/poll").json(body).send();
            assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
            return answer.json();
        }
    }

    @Test
    void aTaskOfADagIsFetchedAndReported() {
        var worker = Worker.offering("resize");
        var dag = node.publish("resizing", "tasks: [{id: a, type: agent, handler: resize, input: {w: 3}}]");
        var run = node.trigger(dag);

        var assignment =
                worker.poll(new JsonObject()).getJsonArray("assignments").getJsonObject(0);
        assertThat(assignment.getJsonObject("input")).isEqualTo(new JsonObject().put("w", 3));
        assertThat(client.get("/api/v1/runs/" + run + "/tasks/a").send().json().getString("state"))
                .isEqualTo("running");
        assertThat(worker.post("/claims/" + assignment.getString("claimId") + "/complete")
                        .json("{\"output\": {\"h\": 4}}")
                        .send()
                        .status())
                .isEqualTo(204);

        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
        assertThat(client.get("/api/v1/runs/" + run + "/tasks/a").send().json().getJsonObject("output"))
                .isEqualTo(new JsonObject().put("h", 4));
    }

    @Test
    void aJobIsDoneByAWorker() {
        var worker = Worker.offering("mail");
        var job = registered(once("mail")
                .put("handlerType", "agent")
                .put("handlerName", "mail")
                .put("payload", new JsonObject().put("to", "ada")));

        var assignment =
                worker.poll(new JsonObject()).getJsonArray("assignments").getJsonObject(0);
        assertThat(assignment.getJsonObject("input")).isEqualTo(new JsonObject().put("to", "ada"));
        worker.post("/claims/" + assignment.getString("claimId") + "/complete").send();

        until("the job is completed", () -> job(job).getString("status").equals("completed"));
        assertThat(executions(job, "").getFirst().getString("status")).isEqualTo("success");
        assertThat(executions(job, "").getFirst().getString("workerId")).isEqualTo(worker.id());
    }

    @Test
    void whatASilentWorkerHeldIsDoneByAnother() {
        var silent = Worker.of(new JsonObject()
                .put("name", "silent")
                .put("leaseMs", 2_000)
                .put("handlers", new JsonArray().add("count")));
        var dag = node.publish("counting", "tasks: [{id: a, type: agent, handler: count}]");
        var run = node.trigger(dag);
        var lost = silent.poll(new JsonObject()).getJsonArray("assignments").getJsonObject(0);

        var other = Worker.offering("count");
        var again = other.poll(new JsonObject()).getJsonArray("assignments").getJsonObject(0);

        assertThat(again.getInteger("attempt")).isEqualTo(2);
        var late = silent.post("/claims/" + lost.getString("claimId") + "/complete")
                .send();
        assertThat(late.status()).isEqualTo(409);
        assertThat(late.code()).isEqualTo("STALE_CLAIM");
        var gone = silent.post("/poll").send();
        assertThat(gone.status()).isEqualTo(410);
        assertThat(gone.code()).isEqualTo("WORKER_GONE");
        other.post("/claims/" + again.getString("claimId") + "/complete").send();
        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
    }
}
