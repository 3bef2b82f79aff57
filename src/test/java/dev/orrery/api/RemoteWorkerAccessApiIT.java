package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import org.junit.jupiter.api.Test;

/** Who is a remote worker, for whom, and who sees it. */
class RemoteWorkerAccessApiIT extends RemoteWorkersApiTestBase {

    @Test
    void eachCallShowsTheToken() {
        var worker = Worker.offering("secret");
        var other = Worker.offering("secret");
        run("secret", "");
        var fetched = worker.fetch();

        var wrong = client.post(WORKERS + "/" + worker.id() + "/poll")
                .header("Orrery-Worker-Token", other.token())
                .send();
        assertThat(wrong.status()).isEqualTo(403);
        assertThat(wrong.code()).isEqualTo("WRONG_WORKER_TOKEN");
        assertThat(client.post(WORKERS + "/" + worker.id() + "/poll").send().status())
                .isEqualTo(400);
        var unknown = client.post(WORKERS + "/" + NOBODY + "/poll")
                .header("Orrery-Worker-Token", other.token())
                .send();
        assertThat(unknown.code()).isEqualTo("REMOTE_WORKER_NOT_FOUND");
        isStale(other.report(fetched, "complete", NOTHING));
        isStale(other.report(fetched, "log", new JsonObject().put("lines", new JsonArray().add("x"))));
    }

    @Test
    void aRepeatedRegistrationIsTheSameWorkerWithANewToken() {
        var body = new JsonObject().put("name", "w").put("handlers", new JsonArray().add("once"));
        var first =
                client.post(WORKERS).header("Idempotency-Key", "w-1").json(body).send();
        var worker = new Worker(first.json().getString("id"), first.json().getString("token"));
        worker.beat();

        var second =
                client.post(WORKERS).header("Idempotency-Key", "w-1").json(body).send();

        assertThat(second.json().getString("id")).isEqualTo(worker.id());
        new Worker(worker.id(), second.json().getString("token")).beat();
        assertThat(client.post(WORKERS)
                        .header("Idempotency-Key", "w-1")
                        .json(body.put("slots", 7))
                        .send()
                        .status())
                .isEqualTo(409);
    }

    @Test
    void aWorkerServesItsTenantAlone() {
        client.post("/api/v1/tenants").json("{\"name\": \"acme\"}").send();
        var own = Worker.offering("shared");
        var made = client.post(WORKERS)
                .header("Orrery-Tenant", "acme")
                .json(new JsonObject().put("name", "theirs").put("handlers", new JsonArray().add("shared")))
                .send()
                .json();
        var dag = client.post("/api/v1/dags")
                .header("Orrery-Tenant", "acme")
                .json(new JsonObject().put("name", "d").put("yaml", "tasks: [{id: a, type: agent, handler: shared}]"))
                .send()
                .json();
        client.post("/api/v1/dags/" + dag.getString("id") + "/runs")
                .header("Orrery-Tenant", "acme")
                .send();

        assertThat(own.poll(new JsonObject().put("waitMs", 1)).getJsonArray("assignments"))
                .isEmpty();
        var theirs = new Worker(made.getString("id"), made.getString("token"));
        assertThat(theirs.post("/poll").send().code()).as("it says whose it is").isEqualTo("REMOTE_WORKER_NOT_FOUND");
        var fetched = theirs.post("/poll").header("Orrery-Tenant", "acme").send();
        assertThat(first(fetched.json()).getString("dagName")).isEqualTo("d");
        assertThat(listed("shared")).hasSize(1);
    }

    @Test
    void workersAreListedAndAreNoNodes() {
        var slots = client.get("/api/v1/cluster").send().json().getLong("slots");
        var worker = Worker.of(new JsonObject()
                .put("name", "gpu-1")
                .put("version", "2.1")
                .put("slots", 4)
                .put("handlers", new JsonArray().add("list").add("list2")));
        run("list", "");
        worker.fetch();

        var shown = listed("list2").getJsonObject(0);
        assertThat(shown.getString("name")).isEqualTo("gpu-1");
        assertThat(shown.getString("status")).isEqualTo("running");
        assertThat(shown.getInteger("runningTasks")).isEqualTo(1);
        assertThat(client.get("/api/v1/nodes").send().json().getJsonArray("items"))
                .hasSize(1);
        var cluster = client.get("/api/v1/cluster").send().json();
        assertThat(cluster.getInteger("nodes")).isEqualTo(1);
        assertThat(cluster.getLong("slots")).isEqualTo(slots);
        assertThat(client.post("/api/v1/nodes/" + worker.id().replaceAll("1$", "0") + "/drain")
                        .send()
                        .status())
                .isEqualTo(404);
    }
}
