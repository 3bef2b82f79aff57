package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which operation a request reaches, under which key, and what is answered where it fails or there is none. */
class RequestRoutingTest extends ApiTestBase {

    private static final String DAGS = "/api/v1/dags";
    private static final String RUNS = DAGS + "/" + DAG + "/runs";

    @Test
    void theKeyOfARequestStandsForItsPathAndBody() {
        var client = start();
        var other = "/api/v1/dags/01980f6e-3c00-7000-8b2d-5f3200000000/runs";

        client.post(RUNS).header("Idempotency-Key", "k1").json("{}").send();
        client.post(RUNS).header("Idempotency-Key", "k1").json("{}").send();
        client.post(RUNS)
                .header("Idempotency-Key", "k1")
                .json("{\"params\":{}}")
                .send();
        client.post(other).header("Idempotency-Key", "k1").json("{}").send();
        client.post(RUNS).json("{}").send();

        var keys = requests.stream().map(ApiRequest::key).toList();
        assertThat(keys.get(0)).isEqualTo(keys.get(1)).isPresent();
        assertThat(keys.get(2)).isNotEqualTo(keys.get(0));
        assertThat(keys.get(3)).isNotEqualTo(keys.get(0));
        assertThat(keys.get(4)).isEmpty();
        assertThat(keys.get(0).orElseThrow().operation()).isEqualTo("triggerRun");
    }

    @Test
    void aKeyIsShortAndVisible() {
        var client = start();

        assertThat(client.post(RUNS).header("Idempotency-Key", "a b").send().code())
                .isEqualTo("BAD_REQUEST");
        assertThat(client.post(RUNS)
                        .header("Idempotency-Key", "k".repeat(256))
                        .send()
                        .code())
                .isEqualTo("BAD_REQUEST");
        assertThat(client.post(RUNS)
                        .header("Idempotency-Key", "k".repeat(255))
                        .send()
                        .status())
                .isEqualTo(202);
    }

    @Test
    void headAnswersAsGetWouldWithoutTheBody() {
        var client = start();

        var get = client.get(DAGS).send();
        var head = client.call("HEAD", DAGS).send();

        assertThat(head.status()).isEqualTo(200);
        assertThat(head.header("Content-Length")).isEqualTo(get.header("Content-Length"));
        assertThat(head.body().length()).isZero();
    }

    @Test
    void otherMethodsAreToldWhichThereAre() {
        var client = start();

        var patch = client.call("PATCH", DAGS + "/" + DAG).send();
        var page = client.post("/docs").send();
        var options = client.call("OPTIONS", DAGS).send();

        assertThat(patch.status()).isEqualTo(405);
        assertThat(patch.code()).isEqualTo("METHOD_NOT_ALLOWED");
        assertThat(patch.header("Allow")).isEqualTo("DELETE, GET, HEAD, PUT");
        assertThat(page.header("Allow")).isEqualTo("GET, HEAD");
        assertThat(options.header("Allow")).isEqualTo("GET, HEAD, POST");
    }

    @Test
    void unknownPathsAreAnsweredInJson() {
        var client = start();

        for (var path : new String[] {
            "/nothing", "/api/v1", "/api/v1/nothing", "/api/v2/dags", "/docs/nothing", "/api/v1/dags/" + DAG + "/x"
        }) {
            assertThat(client.get(path).send().code()).as(path).isEqualTo("NOT_FOUND");
        }
    }

    @Test
    void aFaultOfOursIsToldByItsIdOnly() {
        operations.put("listDags", _ -> {
            throw new IllegalStateException("SELECT secret FROM dags");
        });
        operations.put("getDag", _ -> Future.failedFuture(new RuntimeException("SELECT secret")));
        var client = start();

        for (var path : new String[] {DAGS, DAGS + "/" + DAG}) {
            var reply = client.get(path).send();

            assertThat(reply.code()).isEqualTo("INTERNAL_ERROR");
            assertThat(reply.body().toString()).doesNotContain("SELECT").doesNotContain("Exception");
            assertThat(reply.json().getString("message")).matches(".*as [0-9a-f-]{36}");
        }
    }

    @Test
    void anAnswerThatDoesNotComeIsGivenUp() {
        operations.put("listDags", _ -> Promise.<Answer>promise().future());
        var client = start(HTTP, QUICK, List.of());

        var reply = client.get(DAGS).send();

        assertThat(reply.code()).isEqualTo("UNAVAILABLE");
        assertThat(reply.header("Retry-After")).isEqualTo("2");
    }
}
