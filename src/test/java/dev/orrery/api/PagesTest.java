package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.config.HttpConfig;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.ProblemCode;
import dev.orrery.testing.Await;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PagesTest extends ApiTestBase {

    private static final List<String> HTML = List.of("/", "/docs", "/docs/errors");

    @Test
    void pagesNeedNothingFromElsewhereAndRunNoCode() {
        var client = start();
        var loads = Pattern.compile("(src|href)=\"([^\"]*)\"");

        for (var path : HTML) {
            var page = client.get(path).send();
            var html = page.body().toString();

            assertThat(page.header("Content-Type")).isEqualTo("text/html; charset=utf-8");
            assertThat(page.header("Content-Security-Policy")).contains("default-src 'none'", "frame-ancestors 'none'");
            assertThat(page.header("X-Frame-Options")).isEqualTo("DENY");
            assertThat(html).doesNotContain("<script", "style=", "onclick", "<th></th>");
            loads.matcher(html)
                    .results()
                    .map(link -> link.group(2))
                    .forEach(link -> assertThat(link).as(path).matches("(/|#|data:).*"));
        }
    }

    @Test
    void theStyleServesDarkAndNarrowWindowsAndLoadsNothing() {
        var style = start().get("/docs/style.css").send();

        assertThat(style.header("Content-Type")).startsWith("text/css");
        assertThat(style.body().toString())
                .contains("prefers-color-scheme: dark", "max-width: 44rem", "overflow-wrap: anywhere")
                .doesNotContain("url(", "@import");
    }

    @Test
    void everyLinkOfAPageLeadsSomewhere() {
        var client = start();
        var links = Pattern.compile("href=\"(/[^\"#]*)\"");
        var anchors = Pattern.compile("href=\"#([^\"]*)\"");

        for (var path : HTML) {
            var html = client.get(path).send().body().toString();

            links.matcher(html)
                    .results()
                    .map(link -> link.group(1))
                    .distinct()
                    .forEach(link -> assertThat(client.get(link).send().status())
                            .as(path + " -> " + link)
                            .isEqualTo(200));
            anchors.matcher(html)
                    .results()
                    .map(link -> link.group(1))
                    .distinct()
                    .forEach(anchor -> assertThat(html).as(path).contains("id=\"" + anchor + "\""));
        }
    }

    @Test
    void theStartPageSaysWhatAnswersAndWhatToTry() {
        var html = start().get("/").send().body().toString();

        assertThat(html).contains("Version 1.2.3", "standalone", "dag apply", "ORRERY_SERVER", "\"/health\"");
    }

    @Test
    void theDocsShowEveryCallOfTheContract() {
        var html = start().get("/docs").send().body().toString();

        for (var operation : contract.resolved().operations()) {
            assertThat(html).contains("<section id=\"" + operation.getOperationId() + "\">");
            operation
                    .getParameters()
                    .forEach(parameter -> assertThat(html).contains("<code>" + parameter.getName() + "</code>"));
        }
        assertThat(html)
                .contains("curl -sS -X POST http://localhost:8080/api/v1/dags \\")
                .contains("<td>429</td>")
                .doesNotContain("/v1/dags/{", "/v1/runs/{", "dags/null", "runs/null", "**", "| event |");
    }

    @Test
    void everyErrorHasItsCauseAndCure() {
        var html = start().get("/docs/errors").send().body().toString();

        for (var code : ErrorCode.values()) {
            assertThat(html).contains("<code>" + code + "</code>", Html.escape(code.cause()), Html.escape(code.cure()));
        }
        for (var code : ProblemCode.values()) {
            assertThat(html)
                    .contains("<tr id=\"problem-" + code + "\"><td><code>" + code + "</code></td><td>"
                            + Html.escape(code.cause()) + "</td><td>" + Html.escape(code.cure()) + "</td></tr>");
        }
    }

    @Test
    void theContractIsServedAsItIs() {
        var reply = start().get("/docs/openapi.yaml").send();

        assertThat(reply.body().toString()).isEqualTo(contract.yaml());
        assertThat(reply.header("Content-Type")).isEqualTo("application/yaml");
    }

    @Test
    void theSchemaOfDagFilesIsServed() {
        var reply = start().get("/docs/dag.schema.json").send();

        assertThat(reply.header("Content-Type")).isEqualTo("application/schema+json");
        assertThat(reply.json()).isNotNull();
    }

    @Test
    void aNodeIsReadyWhenAllItNeedsIsThere() {
        var database = new HealthCheck("database", Future::succeededFuture);
        var client = start(HTTP, Limits.DEFAULT, List.of(database));

        assertThat(client.get("/health/live").send().json().encode())
                .isEqualTo("{\"status\":\"up\",\"since\":\"2026-01-31T02:00:00Z\","
                        + "\"checkedAt\":\"2026-01-31T02:00:00Z\",\"checks\":{}}");
        assertThat(client.get("/health/ready").send().json().encode())
                .isEqualTo("{\"status\":\"up\",\"since\":\"2026-01-31T02:00:00Z\","
                        + "\"checkedAt\":\"2026-01-31T02:00:00Z\",\"checks\":{\"database\":{\"status\":\"up\","
                        + "\"since\":\"2026-01-31T02:00:00Z\",\"ageMs\":0,\"reason\":null}}}");
        assertThat(client.get("/health").send().json().getString("status")).isEqualTo("up");
    }

    @Test
    void onlyWhatANewStartMendsMakesItDead() {
        var blocked = new AtomicBoolean();
        life.add(HealthCheck.known("loops", () -> blocked.get() ? Health.down("blocked") : Health.up()));
        var database = new HealthCheck("database", () -> Future.failedFuture("no connection"));
        var client = start(HTTP, Limits.DEFAULT, List.of(database));

        assertThat(client.get("/health/ready").send().status()).isEqualTo(503);
        assertThat(client.get("/health").send().status()).isEqualTo(503);
        assertThat(client.get("/health/live").send().status()).isEqualTo(200);

        blocked.set(true);
        Await.until("it is dead", () -> client.get("/health/live").send().status() == 503);
    }

    @Test
    void theLastProofOfLifeIsOlderEachTimeWhileThereIsNoNewOne() {
        var isThere = new AtomicBoolean(true);
        var database = new HealthCheck(
                "database", () -> isThere.get() ? Future.succeededFuture() : Future.failedFuture("no connection"));
        var client = start(HTTP, Limits.DEFAULT, List.of(database));
        assertThat(age(client)).isZero();

        isThere.set(false);

        Await.until("the proof is a second old", () -> age(client) > 1_000);
        isThere.set(true);
        Await.until("there is a new proof", () -> age(client) == 0);
    }

    private static long age(ApiClient client) {
        return client.get("/health")
                .send()
                .json()
                .getJsonObject("checks")
                .getJsonObject("database")
                .getLong("ageMs");
    }

    @Test
    void whatBringsNewWorkIsRefusedWhileThereIsNoRoomForItAndAllElseIsAnswered() {
        var client = start();
        refusal = Optional.of("the disk is full");

        var run = client.post("/api/v1/dags/" + DAG + "/runs").send();

        assertThat(run.status()).isEqualTo(503);
        assertThat(run.json().getString("code")).isEqualTo("STORAGE_FULL");
        assertThat(run.json().getString("message")).isEqualTo("the disk is full");
        assertThat(run.header("Retry-After")).isNotEmpty();
        assertThat(client.get("/api/v1/dags").send().status()).isEqualTo(200);
        assertThat(client.post("/api/v1/runs/" + RUN + "/cancel").send().status())
                .isEqualTo(202);
        refusal = Optional.empty();
        assertThat(client.post("/api/v1/dags/" + DAG + "/runs").send().status()).isEqualTo(202);
    }

    @Test
    void everyOperationThatTakesWorkInIsOneOfTheContract() {
        assertThat(contract.resolved().operations().stream()
                        .map(io.vertx.openapi.contract.Operation::getOperationId)
                        .filter(Intake::isBy)
                        .toList())
                .hasSize(19);
    }

    @Test
    void aNodeIsNotReadyWhileSomethingIsMissing() {
        var bus = new HealthCheck("bus", Future::succeededFuture);
        var database = new HealthCheck("database", () -> Future.failedFuture("no connection"));
        var broken = new HealthCheck("broken", () -> {
            throw new IllegalStateException("a fault");
        });
        var silent = new HealthCheck("silent", () -> Promise.<Void>promise().future());
        var client = start(HTTP, Limits.DEFAULT, List.of(bus, database, broken, silent));

        var reply = client.get("/health/ready").send();

        assertThat(reply.status()).isEqualTo(503);
        assertThat(reply.json().getString("status")).isEqualTo("down");
        var checks = reply.json().getJsonObject("checks");
        assertThat(checks.getJsonObject("bus").getString("status")).isEqualTo("up");
        assertThat(checks.getJsonObject("database").encode())
                .isEqualTo("{\"status\":\"down\",\"since\":\"2026-01-31T02:00:00Z\",\"ageMs\":null,"
                        + "\"reason\":\"no connection\"}");
        assertThat(checks.getJsonObject("broken").getString("reason")).isEqualTo("a fault");
        assertThat(checks.getJsonObject("silent").getString("status")).isEqualTo("down");
        assertThat(client.get("/health/live").send().status()).isEqualTo(200);
    }

    @Test
    void aNodeIsReadyWithoutWhatItCanDoWithoutAndSaysSo() {
        var database = new HealthCheck("database", Future::succeededFuture);
        var etcd = HealthCheck.helpful("etcd", () -> Future.failedFuture("no answer"));
        var client = start(HTTP, Limits.DEFAULT, List.of(database, etcd));

        var reply = client.get("/health/ready").send();

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.json().getString("status")).isEqualTo("degraded");
        var checks = reply.json().getJsonObject("checks");
        assertThat(checks.getJsonObject("database").getString("status")).isEqualTo("up");
        assertThat(checks.getJsonObject("etcd").getString("status")).isEqualTo("degraded");
        assertThat(checks.getJsonObject("etcd").getString("reason")).isEqualTo("no answer");
    }

    @Test
    void whatIsMissedWeighsLessThanWhatIsNeeded() {
        var etcd = HealthCheck.helpful("etcd", () -> Future.failedFuture("no answer"));
        var database = new HealthCheck("database", () -> Future.failedFuture("no connection"));
        var client = start(HTTP, Limits.DEFAULT, List.of(database, etcd));

        var reply = client.get("/health/ready").send();

        assertThat(reply.status()).isEqualTo(503);
        assertThat(reply.json().getString("status")).isEqualTo("down");
    }

    @Test
    void manyWhoAskAreAnsweredByOneCheck() {
        var asked = new AtomicInteger();
        var answer = Promise.<Void>promise();
        var database = new HealthCheck("database", () -> {
            asked.incrementAndGet();
            return answer.future();
        });
        var client = start(HTTP, Limits.DEFAULT, List.of(database));

        var replies = IntStream.range(0, 20)
                .mapToObj(_ -> client.get("/health/ready").start())
                .toList();
        answer.complete();

        replies.forEach(reply -> assertThat(ApiClient.await(reply).status()).isEqualTo(200));
        assertThat(asked.get()).isLessThan(20);
    }

    @Test
    void whatIsRefusedBeforeItsOperationIsMeasuredUnderItToo() {
        var client = start(new HttpConfig("127.0.0.1", 0, List.of(), "a-secret-of-16-chars", List.of(), 100));
        var token = "Bearer a-secret-of-16-chars";
        var huge = Buffer.buffer(new byte[BodyReader.MAX_BYTES + 1]);

        client.post("/api/v1/dags")
                .header("Authorization", token)
                .body("text/plain", Buffer.buffer("a"))
                .send();
        client.put("/api/v1/dags/" + DAG)
                .header("Authorization", token)
                .body("application/json", huge)
                .send();
        client.get("/api/v1/runs").send();

        assertThat(client.get("/metrics")
                        .header("Authorization", token)
                        .send()
                        .body()
                        .toString())
                .contains("orrery_http_requests_seconds_count{operation=\"createDag\",status=\"415\"} 1")
                .contains("orrery_http_requests_seconds_count{operation=\"updateDag\",status=\"413\"} 1")
                .contains("orrery_http_requests_seconds_count{operation=\"listRuns\",status=\"401\"} 1");
    }

    @Test
    void requestsAreMeasuredByOperation() {
        var client = start();
        client.get("/api/v1/dags").send();
        client.get("/api/v1/dags/" + DAG).send();
        client.get("/api/v1/dags/nonsense").send();
        client.get("/nothing/of/this/name").send();

        var metricsPage = client.get("/metrics").send();

        assertThat(metricsPage.header("Content-Type")).startsWith("text/plain; version=0.0.4");
        assertThat(metricsPage.body().toString())
                .contains("orrery_http_requests_seconds_count{operation=\"listDags\",status=\"200\"} 1")
                .contains("orrery_http_requests_seconds_count{operation=\"getDag\",status=\"400\"} 1")
                .contains("orrery_http_requests_seconds_count{operation=\"none\",status=\"404\"} 1")
                .contains("orrery_http_requests_in_flight")
                .doesNotContain("nonsense", "of/this");
    }
}
