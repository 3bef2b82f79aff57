package dev.orrery.executor;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.FailureKind;
import dev.orrery.domain.task.FailureKind.CouldNotStart;
import dev.orrery.domain.task.FailureKind.HttpStatus;
import dev.orrery.domain.task.FailureKind.NamedError;
import dev.orrery.testing.Ports;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers that are not there, do not answer or break off, and requests that cannot be sent. */
class HttpFailuresIT extends HttpTaskTestBase {

    @Test
    void aPortNobodyListensOnIsAClearFailureWorthAnotherTry() {
        var port = Ports.free();

        var outcome = (Failed) bench.run(get("http://127.0.0.1:" + port + "/"));

        assertThat(outcome.error())
                .contains("cannot connect to 127.0.0.1:" + port)
                .containsIgnoringCase("refused");
        assertThat(outcome.retryable()).isTrue();
    }

    @Test
    void aHostThatDoesNotAnswerIsGivenUpAfterFiveSeconds() throws IOException {
        try (var full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                var first = new Socket(full.getInetAddress(), full.getLocalPort());
                var second = new Socket(full.getInetAddress(), full.getLocalPort())) {
            assertThat(first.isConnected() && second.isConnected())
                    .as("the kernel takes no third connection that nobody accepts")
                    .isTrue();
            var begun = System.nanoTime();

            var outcome = (Failed) bench.run(get("http://127.0.0.1:" + full.getLocalPort() + "/"));

            assertThat(outcome.error()).contains("no connection to 127.0.0.1:" + full.getLocalPort() + " within 5 s");
            assertThat(outcome.retryable()).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(Duration.ofMillis(4_900));
        }
    }

    @Test
    void aHostThatDoesNotExistIsAClearFailureWorthAnotherTry() {
        var outcome = (Failed) bench.run(get("http://no-such-host.invalid/"));

        assertThat(outcome.error()).contains("no-such-host.invalid");
        assertThat(outcome.retryable()).isTrue();
    }

    @Test
    void aCertificateNobodyKnowsIsAClearFailure() throws IOException, InterruptedException {
        var outcome = (Failed) bench.run(get(url(serveTls(), "/").replace("http://", "https://")));

        assertThat(outcome.error()).contains("TLS");
        assertThat(outcome.retryable()).isTrue();
    }

    @Test
    void aServerThatHangsUpIsAClearFailure() {
        var server = serve(request -> request.connection().close());

        assertThat(((Failed) bench.run(get(url(server, "/")))).error()).contains("closed the connection");
    }

    @Test
    void aServerThatHangsUpInTheMiddleOfItsAnswerIsAClearFailure() {
        var server = serve(request -> {
            request.response().putHeader("Content-Length", "100").write("half");
            bench.vertx.setTimer(50, _ -> request.connection().close());
        });

        assertThat(((Failed) bench.run(get(url(server, "/")))).error()).contains("closed the connection");
    }

    @Test
    void stoppingAbortsARequestThatIsNeverAnswered() {
        var closed = new AtomicBoolean();
        var asked = new AtomicBoolean();
        var server = serve(request -> {
            asked.set(true);
            request.connection().closeHandler(_ -> closed.set(true));
        });
        var attempt = bench.start(get(url(server, "/")));
        until("the server was asked", asked::get);

        attempt.execution().stop();

        assertThat(((Failed) attempt.outcome()).error()).contains("aborted");
        until("the connection is closed", closed::get);
    }

    @Test
    void stoppingAbortsAnAnswerThatDrips() {
        var closed = new AtomicBoolean();
        var dripped = new AtomicBoolean();
        var server = serve(request -> {
            var response = request.response().setChunked(true);
            request.connection().closeHandler(_ -> closed.set(true));
            bench.vertx.setPeriodic(5, timer -> {
                if (response.closed()) {
                    bench.vertx.cancelTimer(timer);
                } else {
                    response.write(".").onSuccess(_ -> dripped.set(true));
                }
            });
        });
        var attempt = bench.start(get(url(server, "/")));
        until("it drips", dripped::get);

        attempt.execution().stop();

        assertThat(attempt.outcome()).isInstanceOf(Failed.class);
        until("the connection is closed", closed::get);
    }

    @Test
    void stoppedAtOnceItEndsAtOnce() {
        var server = serve(_ -> {});
        var attempt = bench.start(get(url(server, "/")));
        var begun = System.nanoTime();

        attempt.execution().stop();
        attempt.execution().stop();

        assertThat(attempt.outcome()).isInstanceOf(Failed.class);
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(4));
    }

    @Test
    void eachFailureHasItsKind() {
        var server = serve(request -> request.response().setStatusCode(404).end());
        var closing = serve(request -> request.connection().close());

        assertThat(kind(url(server, "/"))).isEqualTo(new HttpStatus(404));
        assertThat(kind(url(closing, "/"))).isEqualTo(new NamedError("ConnectionClosed"));
        assertThat(kind("http://127.0.0.1:" + Ports.free() + "/")).isEqualTo(new NamedError("ConnectionRefused"));
        assertThat(kind("http://no-such-host.invalid/")).isEqualTo(new NamedError("UnknownHost"));
        assertThat(kind("http://10.0.0.1/")).isEqualTo(new NamedError("AddressDenied"));
        assertThat(kind("no url")).isEqualTo(new CouldNotStart());
    }

    @Test
    void howLongABusyServerWantsToBeLeftAloneIsHeard() {
        var server = serve(request -> request.response()
                .setStatusCode(Integer.parseInt(request.uri().substring(1)))
                .putHeader("Retry-After", "7")
                .end());
        var dated = serve(request -> request.response()
                .setStatusCode(503)
                .putHeader("Date", "Sat, 21 Nov 2026 12:00:00 GMT")
                .putHeader("Retry-After", "Sat, 21 Nov 2026 12:01:00 GMT")
                .end());

        assertThat(((Failed) bench.run(get(url(server, "/429")))).retryAfter()).contains(Duration.ofSeconds(7));
        assertThat(((Failed) bench.run(get(url(server, "/503")))).retryAfter()).contains(Duration.ofSeconds(7));
        assertThat(((Failed) bench.run(get(url(server, "/500")))).retryAfter()).isEmpty();
        assertThat(((Failed) bench.run(get(url(dated, "/")))).retryAfter())
                .as("by the clock of the server")
                .contains(Duration.ofMinutes(1));
    }

    private FailureKind kind(String url) {
        return ((Failed) bench.run(get(url))).kind();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "no url",
                "ftp://example.org/",
                "http:///path",
                "http://",
                "//host/",
                "http://host:99999/",
                "http://a b/"
            })
    void whatIsNoUrlFailsForGood(String url) {
        var outcome = (Failed) bench.run(get(url));

        assertThat(outcome.error()).startsWith("url '" + url + "'");
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void headersThatCannotBeSentFailForGood() {
        var server = serve(request -> request.response().end());

        for (var header : List.of(Map.of("X", "a\r\nInjected: 1"), Map.of("A B", "x"), Map.of("", "x"))) {
            var outcome = (Failed) bench.run(new Http("GET", url(server, "/"), header, Optional.empty()));
            assertThat(outcome.error()).startsWith("headers: ");
            assertThat(outcome.retryable()).isFalse();
        }
    }
}
