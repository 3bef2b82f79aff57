package dev.orrery.cli.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.cli.StubNode;
import dev.orrery.testing.Ports;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ApiClientTest {

    private final StubNode node = new StubNode();

    @AfterEach
    void close() {
        node.close();
    }

    private ApiClient client() {
        return client(node.address(), Optional.of("s3cret"));
    }

    private static ApiClient client(String address, Optional<String> token) {
        return new ApiClient(ServerAddress.parse(address), token, Duration.ofSeconds(10));
    }

    private static CommandFailure failure(Runnable call) {
        try {
            call.run();
        } catch (CommandFailure failure) {
            return failure;
        }
        throw new AssertionError("it did not fail");
    }

    @Test
    void theTokenIsSentAsBearerAndNotAtAllWithoutOne() {
        node.on("GET /x", 200, "{}");

        client().get("/x");
        client(node.address(), Optional.empty()).get("/x");

        assertThat(node.requests().get(0).header("Authorization")).isEqualTo("Bearer s3cret");
        assertThat(node.requests().get(1).header("Authorization")).isEmpty();
    }

    @Test
    void everyPostCarriesItsOwnIdempotencyKey() {
        node.on("POST /x", 202, "{}");

        client().post("/x", JsonObject.of(Map.of("a", "b")));
        client().post("/x", JsonObject.of(Map.of("a", "b")));

        var requests = node.requests();
        assertThat(requests.get(0).body()).isEqualTo("{\"a\":\"b\"}");
        assertThat(requests.get(0).header("Content-type")).isEqualTo("application/json");
        assertThat(requests.get(0).header("Idempotency-key"))
                .isNotEmpty()
                .isNotEqualTo(requests.get(1).header("Idempotency-key"));
    }

    @Test
    void aBusyNodeIsAskedAgainWithTheSameKey() {
        var calls = new AtomicInteger();
        node.on("POST /x", exchange -> {
            if (calls.incrementAndGet() < 3) {
                exchange.getResponseHeaders().set("Retry-After", "0");
                StubNode.send(exchange, 503, "{\"code\":\"UNAVAILABLE\",\"message\":\"wait\",\"details\":[]}");
            } else {
                StubNode.send(exchange, 202, "{\"done\":true}");
            }
        });

        var answer = client().post("/x", JsonObject.of(Map.of()));

        assertThat(answer.body()).isEqualTo("{\"done\":true}");
        assertThat(node.requests().stream()
                        .map(request -> request.header("Idempotency-key"))
                        .distinct())
                .hasSize(1);
    }

    @Test
    void aConnectionThatBreaksIsTriedAgain() {
        var calls = new AtomicInteger();
        node.on("GET /x", exchange -> {
            if (calls.incrementAndGet() > 1) {
                StubNode.send(exchange, 200, "{\"done\":true}");
            }
        });

        assertThat(client().get("/x").body()).isEqualTo("{\"done\":true}");
    }

    @ParameterizedTest
    @CsvSource({
        "400, VALIDATION_ERROR, INVALID",
        "401, UNAUTHORIZED, REFUSED",
        "403, FORBIDDEN, FAILED",
        "404, RUN_NOT_FOUND, NOT_FOUND",
        "409, CONFLICT, FAILED",
        "413, PAYLOAD_TOO_LARGE, INVALID",
        "429, OVERLOADED, UNREACHABLE",
        "500, INTERNAL_ERROR, FAILED",
        "503, UNAVAILABLE, UNREACHABLE"
    })
    void whatTheNodeRefusesHasAnExitCodeOfItsKind(int status, String code, ExitCode exitCode) {
        node.on("GET /x", exchange -> {
            exchange.getResponseHeaders().set("Retry-After", "0");
            var details =
                    "[{\"code\":\"C\",\"line\":3,\"column\":null,\"path\":\"p\",\"message\":\"m\",\"help\":\"h\"}]";
            StubNode.send(
                    exchange, status, "{\"code\":\"" + code + "\",\"message\":\"no\",\"details\":" + details + "}");
        });

        var failure = failure(() -> client().get("/x"));

        assertThat(failure.exitCode()).isEqualTo(exitCode);
        assertThat(failure.code()).hasToString(code);
        assertThat(failure).hasMessage("no");
        assertThat(failure.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.line()).isEqualTo(3);
            assertThat(problem.help()).contains("h");
        });
    }

    @ParameterizedTest
    @CsvSource({"FORBIDDEN, true", "SHARED_QUEUE, false", "OUT_OF_SCOPE, false"})
    void onlyWhoIsAskedByAnUnknownNameIsToldOfNames(String code, boolean named) {
        node.on("GET /x", 403, "{\"code\":\"" + code + "\",\"message\":\"no\",\"details\":[]}");

        var help = failure(() -> client().get("/x")).help();

        assertThat(help.filter(text -> text.contains("http.hosts")).isPresent()).isEqualTo(named);
    }

    @Test
    void nobodyListeningIsUnreachableAndSaysHowToStartANode() {
        var free = Ports.free();

        var failure = failure(
                () -> client("http://127.0.0.1:" + free, Optional.empty()).get("/x"));

        assertThat(failure.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
        assertThat(failure).hasMessage("cannot reach http://127.0.0.1:" + free + " (connection refused)");
        assertThat(failure.help().orElseThrow()).contains("orrery node").contains("ORRERY_SERVER");
    }

    @Test
    void aServerThatDoesNotAnswerInTimeIsUnreachable() {
        var over = new CountDownLatch(1);
        node.on("GET /x", exchange -> awaitQuietly(over));
        var impatient = new ApiClient(ServerAddress.parse(node.address()), Optional.empty(), Duration.ofMillis(200));

        var failure = failure(() -> impatient.get("/x"));
        over.countDown();

        assertThat(failure.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
        assertThat(failure).hasMessageContaining("no answer in time");
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aPatchIsSentAsOtherCallsAre() {
        node.on("PATCH /x", 200, "{\"done\":true}");

        var answer = client().patch("/x", JsonObject.of(Map.of("a", "ü")));

        assertThat(answer.object().flag("done")).contains(true);
        var request = node.requests().getFirst();
        assertThat(request.body()).isEqualTo("{\"a\":\"ü\"}");
        assertThat(request.header("Authorization")).isEqualTo("Bearer s3cret");
        assertThat(request.header("Content-type")).isEqualTo("application/json");
        assertThat(request.header("User-agent")).isEqualTo("orrery-cli");
    }

    @Test
    void aPatchThatIsRefusedSaysWhyAndABusyNodeIsAskedAgain() {
        var calls = new AtomicInteger();
        node.on("PATCH /x", exchange -> {
            exchange.getResponseHeaders().set("Retry-After", "0");
            var isFirst = calls.incrementAndGet() == 1;
            StubNode.send(
                    exchange,
                    isFirst ? 503 : 409,
                    "{\"code\":\"" + (isFirst ? "UNAVAILABLE" : "CONFLICT") + "\",\"message\":\"no\",\"details\":[]}");
        });

        var failure = failure(() -> client().patch("/x", JsonObject.of(Map.of())));

        assertThat(failure.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(failure).hasMessage("no");
        assertThat(calls).hasValue(2);
    }

    @Test
    void aPatchThatNobodyAnswersIsUnreachable() {
        var over = new CountDownLatch(1);
        node.on("PATCH /x", exchange -> awaitQuietly(over));
        var impatient = new ApiClient(ServerAddress.parse(node.address()), Optional.empty(), Duration.ofMillis(300));
        var nobody = client("http://127.0.0.1:" + Ports.free(), Optional.empty());
        var unknown = client("http://no-such-host.invalid:1", Optional.empty());

        var late = failure(() -> impatient.patch("/x", JsonObject.of(Map.of())));
        over.countDown();

        assertThat(late).hasMessageContaining("no answer in time");
        assertThat(late.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
        assertThat(failure(() -> nobody.patch("/x", JsonObject.of(Map.of()))))
                .hasMessageContaining("(connection refused)");
        assertThat(failure(() -> unknown.patch("/x", JsonObject.of(Map.of())))).hasMessageContaining("(unknown host)");
    }

    @Test
    void somethingElseThatListensIsNotTakenForANode() {
        node.on("GET /x", 200, "<html>hello</html>");

        var failure = failure(() -> client().get("/x").list());

        assertThat(failure.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(failure).hasMessageContaining("does not answer like an Orrery node");
    }

    @Test
    void anErrorThatIsNotOursIsToldByItsStatus() {
        node.on("GET /x", 404, "<html>not here</html>");

        var failure = failure(() -> client().get("/x"));

        assertThat(failure).hasMessage("the server answered 404 to /x");
        assertThat(failure.exitCode())
                .as("whether there is such a thing is not known")
                .isEqualTo(ExitCode.FAILED);
        assertThat(failure.help().orElseThrow()).contains("not how an Orrery node answers");
    }

    @Test
    void aNodeWithoutACertificateIsNotReachedByHttps() {
        var failure = failure(() -> client(node.address().replace("http:", "https:"), Optional.empty())
                .get("/x"));

        assertThat(failure.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
        assertThat(failure.help().orElseThrow()).contains("http://");
    }

    @Test
    void aStreamStartsAfterTheEventThatWasSeen() throws IOException {
        node.on("GET /events", exchange -> StubNode.sendEvents(exchange, "id: 8\ndata: {}\n\n"));

        try (var events = client().events("/events", Optional.of("7"))) {
            assertThat(events.next().orElseThrow().id()).contains("8");
        }

        assertThat(node.requests().getFirst().header("Last-event-id")).isEqualTo("7");
    }

    @Test
    void aStreamOfWhichNothingFollowsIsEmpty() throws IOException {
        node.on("GET /events", 204, "");

        try (var events = client().events("/events", Optional.empty())) {
            assertThat(events.next()).isEmpty();
        }
    }

    @Test
    void aStreamThatIsRefusedSaysWhy() {
        assertThatThrownBy(() -> client().events("/nowhere", Optional.empty()))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.NOT_FOUND));
    }

    @Test
    void partsOfAPathAreEncoded() {
        assertThat(ApiClient.encode("a b/ü?&")).isEqualTo("a%20b%2F%C3%BC%3F%26");
    }
}
