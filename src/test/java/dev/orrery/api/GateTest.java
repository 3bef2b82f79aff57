package dev.orrery.api;

import static dev.orrery.api.ApiClient.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.config.HttpConfig;
import dev.orrery.telemetry.Metric;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GateTest extends ApiTestBase {

    private static final String DAGS = "/api/v1/dags";
    private static final HttpConfig NAMED =
            new HttpConfig("127.0.0.1", 0, List.of("orrery.example.org"), "", List.of("https://ui.example.org"), 100);
    private static final HttpConfig GUARDED = new HttpConfig("127.0.0.1", 0, List.of(), "s3cret-token", List.of(), 100);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost",
                "localhost:8080",
                "LOCALHOST",
                "a.localhost",
                "127.0.0.1",
                "127.1.2.3:80",
                "[::1]",
                "[::1]:8080",
                "orrery.example.org",
                "Orrery.Example.Org:8080",
                "orrery.example.org."
            })
    void theNodeAnswersToItsOwnNames(String host) {
        var client = start(NAMED);

        assertThat(client.get(DAGS).header("Host", host).send().status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example.org",
                "localhost.example.org",
                "127.0.0.1.example.org",
                "10.0.0.1",
                "0.0.0.0",
                "xorrery.example.org",
                "127.example.org"
            })
    void aHostThatIsNotItsOwnIsTurnedAway(String host) {
        var client = start(NAMED);

        for (var path : new String[] {DAGS, "/", "/docs", "/health/live"}) {
            var reply = client.get(path).header("Host", host).send();

            assertThat(reply.status()).as(path).isEqualTo(403);
            assertThat(reply.code()).isEqualTo("FORBIDDEN");
        }
        assertThat(requests).isEmpty();
    }

    @Test
    void withoutTheTokenOnlyHealthIsShown() {
        var client = start(GUARDED);

        for (var path : new String[] {DAGS, "/", "/docs", "/docs/openapi.yaml", "/metrics", "/nothing", "/healthy"}) {
            var reply = client.get(path).send();

            assertThat(reply.status()).as(path).isEqualTo(401);
            assertThat(reply.code()).isEqualTo("UNAUTHORIZED");
            assertThat(reply.header("WWW-Authenticate")).startsWith("Bearer");
        }
        assertThat(client.get("/health").send().status()).isEqualTo(200);
        assertThat(client.get("/health/live").send().status()).isEqualTo(200);
        assertThat(client.get("/health/ready").send().status()).isEqualTo(200);
        assertThat(requests).isEmpty();
    }

    @Test
    void whatIsSignedNeedsNoToken() {
        var client = start(GUARDED);
        var webhooks = "/api/v1/webhooks";

        var received = client.post(webhooks + "/shop").json("{}").send();

        assertThat(received.status()).isEqualTo(202);
        for (var path : new String[] {
            webhooks,
            webhooks + "/",
            webhooks + "/shop/",
            webhooks + "/shop/x",
            webhooks + "/%73hop",
            webhooks + "/../jobs",
            webhooks + "/..",
            webhooks + "//shop",
            webhooks + "/shop;x",
            webhooks + "x/shop"
        }) {
            assertThat(client.post(path).json("{}").send().status()).as(path).isEqualTo(401);
        }
        assertThat(client.get(webhooks + "/shop").send().status()).isEqualTo(401);
        assertThat(client.delete(webhooks + "/shop").send().status()).isEqualTo(401);
        assertThat(requests).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Bearer",
                "Bearer ",
                "Bearer s3cret-toke",
                "Bearer s3cret-token2",
                "Basic s3cret-token",
                "s3cret-token",
                "Bearer S3CRET-TOKEN"
            })
    void aWrongTokenIsNoToken(String authorization) {
        var client = start(GUARDED);

        assertThat(client.get(DAGS)
                        .header("Authorization", authorization)
                        .send()
                        .status())
                .isEqualTo(401);
    }

    @Test
    void theTokenOpensEverything() {
        var client = start(GUARDED);

        for (var path : new String[] {DAGS, "/docs", "/metrics"}) {
            assertThat(client.get(path)
                            .header("Authorization", "Bearer s3cret-token")
                            .send()
                            .status())
                    .isEqualTo(200);
            assertThat(client.get(path)
                            .header("Authorization", "bearer  s3cret-token")
                            .send()
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    void pagesOfOthersGetNoLeaveToRead() {
        var client = start(NAMED);

        var reply =
                client.get(DAGS).header("Origin", "https://evil.example.org").send();

        assertThat(reply.headers().names())
                .noneMatch(name -> name.toLowerCase(Locale.ROOT).startsWith("access-control-"));
    }

    @Test
    void pagesOfOthersMayChangeNothing() {
        var client = start(NAMED);
        var cancel = "/api/v1/runs/" + RUN + "/cancel";

        for (var origin : new String[] {
            "https://evil.example.org", "null", "http://127.0.0.1:1", "https://ui.example.org.evil.org"
        }) {
            var reply = client.post(cancel).header("Origin", origin).send();

            assertThat(reply.code()).as(origin).isEqualTo("FORBIDDEN");
        }
        assertThat(requests).isEmpty();
        var own = "http://127.0.0.1:" + api.port();
        assertThat(client.post(cancel)
                        .header("Host", "127.0.0.1:" + api.port())
                        .header("Origin", own)
                        .send()
                        .status())
                .isEqualTo(202);
    }

    @Test
    void configuredOriginsMayReadAndChange() {
        var client = start(NAMED);
        var origin = "https://ui.example.org";

        var asked = client.call("OPTIONS", DAGS)
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .send();
        var read = client.get(DAGS).header("Origin", origin).send();
        var changed = client.post("/api/v1/runs/" + RUN + "/cancel")
                .header("Origin", origin)
                .send();

        assertThat(asked.status()).isEqualTo(204);
        assertThat(asked.header("Access-Control-Allow-Methods")).contains("POST", "PATCH");
        assertThat(asked.header("Access-Control-Allow-Headers")).contains("Idempotency-Key", "Authorization");
        assertThat(read.header("Access-Control-Allow-Origin")).isEqualTo(origin);
        assertThat(read.header("Vary")).containsIgnoringCase("origin");
        assertThat(changed.status()).isEqualTo(202);
    }

    @Test
    void moreRequestsThanTheNodeAdmitsAreTurnedAwayAtOnce() throws InterruptedException {
        var release = Promise.<Answer>promise();
        var waiting = new CountDownLatch(3);
        operations.put("listDags", _ -> {
            waiting.countDown();
            return release.future();
        });
        var client = start(new HttpConfig("127.0.0.1", 0, List.of(), "", List.of(), 3));
        var held = new ArrayList<Future<ApiClient.Reply>>();
        for (var i = 0; i < 3; i++) {
            held.add(client.get(DAGS).start());
        }
        assertThat(waiting.await(10, TimeUnit.SECONDS)).isTrue();

        var refused = client.get(DAGS + "/" + DAG).send();
        var health = client.get("/health/live").send();
        var seen = client.get("/metrics").send();
        release.complete(Answer.json(200, out -> out.writeRawValue("[]")));

        assertThat(refused.code()).isEqualTo("OVERLOADED");
        assertThat(refused.header("Retry-After")).isEqualTo("1");
        assertThat(health.status()).isEqualTo(200);
        assertThat(seen.status()).isEqualTo(200);
        held.forEach(reply -> assertThat(await(reply).status()).isEqualTo(200));
        assertThat(client.get(DAGS + "/" + DAG).send().status()).isEqualTo(200);
        assertThat(metrics.counter(Metric.HTTP_REFUSED).count()).isEqualTo(1);
    }

    @Test
    void evenLooksAtTheNodeAreBounded() throws InterruptedException {
        var release = Promise.<Void>promise();
        var waiting = new CountDownLatch(5);
        metrics.beforeScrape(() -> {
            waiting.countDown();
            return release.future();
        });
        var client = start(new HttpConfig("127.0.0.1", 0, List.of(), "", List.of(), 1));
        var held = new ArrayList<Future<ApiClient.Reply>>();
        for (var i = 0; i < 5; i++) {
            held.add(client.get("/metrics").start());
        }
        assertThat(waiting.await(10, TimeUnit.SECONDS)).isTrue();

        var refused = client.get("/metrics").send();
        release.complete();

        assertThat(refused.code()).isEqualTo("OVERLOADED");
        held.forEach(reply -> assertThat(await(reply).status()).isEqualTo(200));
    }
}
