package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import org.junit.jupiter.api.Test;

class TenantsApiIT extends JobsApiTestBase {

    private static final String TENANTS = "/api/v1/tenants";
    private static final String HEADER = "Orrery-Tenant";
    private static final String HELLO = "tasks: [{id: a, type: shell, command: 'true'}]";

    private static void given(String tenant) {
        var answer =
                client.post(TENANTS).json(new JsonObject().put("name", tenant)).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
    }

    private static String published(String tenant, String name) {
        var answer = client.post(NodeUnderTest.DAGS)
                .header(HEADER, tenant)
                .json(new JsonObject().put("name", name).put("yaml", HELLO))
                .send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
        return answer.json().getString("id");
    }

    private static int status(String tenant, String uri) {
        return client.get(uri).header(HEADER, tenant).send().status();
    }

    @Test
    void eachHasNamesOfItsOwn() {
        given("names-a");
        given("names-b");

        var a = published("names-a", "same");
        var b = published("names-b", "same");

        assertThat(a).isNotEqualTo(b);
        assertThat(status("names-a", NodeUnderTest.DAGS + "/" + a)).isEqualTo(200);
        assertThat(status("names-b", NodeUnderTest.DAGS + "/" + a)).isEqualTo(404);
        assertThat(status("default", NodeUnderTest.DAGS + "/" + a)).isEqualTo(404);
        assertThat(client.get(NodeUnderTest.DAGS + "?name=same").send().array()).isEmpty();
    }

    @Test
    void aJobTellsWhoseItIs() {
        given("jobs-a");

        var job = client.post(JOBS)
                .header(HEADER, "jobs-a")
                .json(cron("mine", FAR))
                .send();

        assertThat(job.json().getString("platformId")).isEqualTo("jobs-a");
        assertThat(job(registered(cron("ours", FAR))).getString("platformId")).isEqualTo("default");
        assertThat(client.get(JOBS).header(HEADER, "jobs-a").send().json().getJsonArray("items"))
                .hasSize(1);
    }

    @Test
    void theSameKeyIsAnotherKeyForAnotherTenant() {
        given("keys-a");
        given("keys-b");
        var body = new JsonObject().put("name", "keyed").put("yaml", HELLO);

        var a = client.post(NodeUnderTest.DAGS)
                .header(HEADER, "keys-a")
                .header("Idempotency-Key", "k")
                .json(body)
                .send();
        var b = client.post(NodeUnderTest.DAGS)
                .header(HEADER, "keys-b")
                .header("Idempotency-Key", "k")
                .json(body)
                .send();

        assertThat(a.json().getString("id")).isNotEqualTo(b.json().getString("id"));
    }

    @Test
    void aNameThatNobodyHasIsRefusedWithTheCure() {
        var answer = client.get(NodeUnderTest.DAGS).header(HEADER, "nobody").send();

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.code()).isEqualTo("TENANT_NOT_FOUND");
        assertThat(answer.json().getString("message"))
                .isEqualTo("there is no tenant 'nobody'; make it with POST /api/v1/tenants");
        assertThat(status("no body", NodeUnderTest.DAGS)).isEqualTo(400);
    }

    @Test
    void oneIsMadeOnceAndListedByName() {
        given("list-a");
        given("list-b");

        var again = client.post(TENANTS)
                .json(new JsonObject().put("name", "list-a"))
                .send();
        var page = client.get(TENANTS + "?cursor=list&limit=1").send().json();
        var rest = client.get(TENANTS + "?limit=1&cursor=" + page.getString("nextCursor"))
                .send()
                .json();

        assertThat(again.code()).isEqualTo("CONFLICT");
        assertThat(page.getJsonArray("items").getJsonObject(0).getString("name"))
                .isEqualTo("list-a");
        assertThat(rest.getJsonArray("items").getJsonObject(0).getString("name"))
                .isEqualTo("list-b");
        assertThat(client.get(TENANTS + "/list-a").send().json().getString("name"))
                .isEqualTo("list-a");
        assertThat(client.get(TENANTS + "/default").send().status()).isEqualTo(200);
    }

    @Test
    void theKeyOfTheRequestThatMadeOneIsAnsweredAlike() {
        var first = client.post(TENANTS)
                .header("Idempotency-Key", "make")
                .json(new JsonObject().put("name", "made"))
                .send();
        var again = client.post(TENANTS)
                .header("Idempotency-Key", "make")
                .json(new JsonObject().put("name", "made"))
                .send();

        assertThat(again.status()).isEqualTo(201);
        assertThat(again.body()).isEqualTo(first.body());
    }

    @Test
    void theDefaultOneStays() {
        assertThat(client.delete(TENANTS + "/default").send().code()).isEqualTo("CONFLICT");
        assertThat(client.delete(TENANTS + "/nobody").send().code()).isEqualTo("TENANT_NOT_FOUND");
    }

    @Test
    void aDeletedOneIsGoneAtOnceAndItsNameIsFree() {
        given("short");
        var dag = published("short", "slow");
        var run = client.post(NodeUnderTest.DAGS + "/" + dag + "/runs")
                .header(HEADER, "short")
                .send();
        assertThat(run.status()).isEqualTo(202);

        assertThat(client.delete(TENANTS + "/short").send().status()).isEqualTo(204);
        assertThat(client.get(NodeUnderTest.DAGS).header(HEADER, "short").send().code())
                .isEqualTo("TENANT_NOT_FOUND");
        given("short");
        assertThat(status("short", NodeUnderTest.DAGS + "/" + dag)).isEqualTo(404);
        published("short", "slow");

        until("its rows are gone", () -> node.rows("tenants", "deleted_at IS NOT NULL") == 0);
        assertThat(node.rows("dags", "id = '" + dag + "'")).isZero();
        assertThat(node.rows("dag_runs", "dag_id = '" + dag + "'")).isZero();
    }

    @Test
    void whatRunsForADeletedOneIsCancelled() {
        given("busy");
        var job = client.post(JOBS)
                .header(HEADER, "busy")
                .json(cron("hold", FAR).put("handlerName", "sleep").put("payload", new JsonObject().put("ms", 600_000)))
                .send()
                .json()
                .getString("id");
        var execution = client.post(JOBS + "/" + job + "/trigger")
                .header(HEADER, "busy")
                .send()
                .json()
                .getString("id");
        until(
                "it runs",
                () -> client.get("/api/v1/executions/" + execution)
                        .header(HEADER, "busy")
                        .send()
                        .json()
                        .getString("status")
                        .equals("running"));

        client.delete(TENANTS + "/busy").send();

        until("its rows are gone", () -> node.rows("tenants", "deleted_at IS NOT NULL") == 0);
        assertThat(node.rows("jobs", "id = '" + job + "'")).isZero();
        assertThat(node.rows("job_executions", "id = '" + execution + "'")).isZero();
        assertThat(node.rows("task_attempts", "task_id::text LIKE '" + execution.substring(0, 28) + "%'"))
                .isZero();
    }
}
