package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.testing.Ports;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.PfxOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HttpTaskIT {

    @TempDir
    private Path folder;

    private Workbench bench;

    @BeforeEach
    void open() {
        bench = new Workbench(folder);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void statusHeadersAndJsonBodyAreTheOutput() {
        var server = serve(request -> request.response()
                .putHeader("Content-Type", "application/json; charset=utf-8")
                .putHeader("X-Rows", "3")
                .end("{ \"rows\" : 3, \"bad\": \"\\u0000\" }"));

        var attempt = bench.start(get(url(server, "/rows")));

        var output = output(attempt);
        assertThat(output.getInteger("status")).isEqualTo(200);
        assertThat(output.getJsonObject("headers").getString("x-rows")).isEqualTo("3");
        assertThat(output.getJsonObject("body")).isEqualTo(new JsonObject("{\"rows\":3,\"bad\":\"\uFFFD\"}"));
        assertThat(attempt.text()).contains("GET " + url(server, "/rows")).contains("200 OK, ");
    }

    @Test
    void anotherBodyIsText() {
        var server = serve(request -> request.response()
                .setStatusCode(201)
                .putHeader("Content-Type", "text/plain; charset=ISO-8859-1")
                .end(Buffer.buffer("gr\u00fc\u00dfe\0".getBytes(ISO_8859_1))));

        assertThat(output(bench.start(get(url(server, "/")))).getString("body")).isEqualTo("grüße\uFFFD");
    }

    @Test
    void jsonThatIsNoneIsText() {
        var server = serve(request ->
                request.response().putHeader("Content-Type", "application/json").end("{oops"));

        assertThat(output(bench.start(get(url(server, "/")))).getString("body")).isEqualTo("{oops");
    }

    @Test
    void withoutBodyThereIsNull() {
        var server = serve(request -> request.response().setStatusCode(204).end());

        assertThat(output(bench.start(get(url(server, "")))).getValue("body")).isNull();
    }

    @Test
    void methodHeadersAndBodyAreSent() {
        var seen = new CopyOnWriteArrayList<String>();
        var server = serve(request -> request.body().onSuccess(body -> {
            seen.addAll(List.of(
                    request.method().name(),
                    request.getHeader("X-Day"),
                    request.getHeader("Content-Type"),
                    request.getHeader("Content-Length"),
                    body.toString()));
            request.response().end();
        }));

        output(bench.start(new Http(
                "POST",
                url(server, "/"),
                Map.of("X-Day", "today", "Content-Length", "9999"),
                Optional.of(new Json("{\"day\":\"today\"}")))));

        assertThat(seen).containsExactly("POST", "today", "application/json", "15", "{\"day\":\"today\"}");
    }

    @Test
    void aBodyThatIsAStringIsSentAsItsText() {
        var server = serve(request -> request.body()
                .onSuccess(body -> request.response().end(request.getHeader("Content-Type") + "|" + body)));

        assertThat(output(bench.start(new Http("PUT", url(server, "/"), Map.of(), Optional.of(new Json("\"a\\tb\"")))))
                        .getString("body"))
                .isEqualTo("null|a\tb");
    }

    @Test
    void threePlaceholdersAreFilledInAndNothingElse() {
        var seen = new CopyOnWriteArrayList<String>();
        var server = serve(request -> request.body().onSuccess(body -> {
            seen.addAll(List.of(request.uri(), request.getHeader("X-Run"), body.toString()));
            request.response().end();
        }));

        output(bench.start(new Http(
                "POST",
                url(server, "/${ORRERY_RUN_ID}"),
                Map.of("X-Run", "${ORRERY_TASK_ID} ${HOME} $ORRERY_RUN_ID"),
                Optional.of(new Json("{\"api\":\"${ORRERY_API}\",\"fence\":\"${ORRERY_FENCE}\"}")))));

        assertThat(seen)
                .containsExactly(
                        "/" + Workbench.RUN,
                        "probe ${HOME} $ORRERY_RUN_ID",
                        "{\"api\":\"" + Workbench.API + "\",\"fence\":\"${ORRERY_FENCE}\"}");
    }

    @Test
    void aHostMayHaveUnderscores() {
        var server = serve(request -> request.response().end());
        var context = bench.start(get(url(server, "/"))).context();

        var plain = HttpCall.of(get("http://my_service/rows"), context, "").options();
        var full = HttpCall.of(get("https://my_service.example:8443/rows"), context, "");
        var next = full.redirected(302, "http://my_other/").options();

        assertThat(plain.getHost() + " " + plain.getPort()).isEqualTo("my_service 80");
        assertThat(full.hostAndPort()).isEqualTo("my_service.example:8443");
        assertThat(next.getHost() + " " + next.getPort()).isEqualTo("my_other 80");
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 404, 500, 503, 304})
    void anotherStatusIsAFailureWithTheBeginningOfTheBody(int status) {
        var server = serve(request ->
                request.response().setStatusCode(status).end(status == 304 ? "" : "no such page" + "!".repeat(5_000)));

        var outcome = (Failed) bench.run(get(url(server, "/")));

        assertThat(outcome.error()).startsWith(status + " ").hasSizeLessThan(700);
        assertThat(outcome.error().contains("no such page!!!")).isEqualTo(status != 304);
        assertThat(outcome.retryable()).isTrue();
    }

    @Test
    void theEndlessBodyOfAFailureIsNotRead() {
        var server = serve(request -> {
            var response = request.response().setStatusCode(500).setChunked(true);
            bench.vertx.setPeriodic(1, timer -> {
                if (response.closed()) {
                    bench.vertx.cancelTimer(timer);
                } else {
                    response.write("error ".repeat(500));
                }
            });
        });

        assertThat(((Failed) bench.run(get(url(server, "/")))).error()).startsWith("500 Internal Server Error: error");
    }

    @Test
    void aBodyOfOneMebibyteIsTakenAndALargerOneFailsForGood() {
        var server = serve(request ->
                request.response().end("x".repeat(Integer.parseInt(request.uri().substring(1)))));

        assertThat(output(bench.start(get(url(server, "/1048576")))).getString("body"))
                .hasSize(1 << 20);
        var outcome = (Failed) bench.run(get(url(server, "/1048577")));
        assertThat(outcome.error()).contains("1048576 bytes");
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void theLimitCountsWhatACompressedBodyBecomes() throws IOException {
        var bomb = gzip(new byte[200 << 20]);
        var server = serve(request ->
                request.response().putHeader("Content-Encoding", "gzip").end(bomb));

        assertThat(bomb.length()).isLessThan(1 << 20);
        assertThat(((Failed) bench.run(get(url(server, "/")))).error()).contains("more than 1048576 bytes");
    }

    @Test
    void redirectsAreFollowedWithinTheOrigin() {
        var server = serve(request -> {
            if (request.uri().equals("/old")) {
                request.response()
                        .setStatusCode(302)
                        .putHeader("Location", "new?x=1")
                        .end();
            } else {
                request.response().end(request.uri() + " " + request.getHeader("Authorization"));
            }
        });

        var output = output(bench.start(
                new Http("GET", url(server, "/old"), Map.of("Authorization", "Bearer t"), Optional.empty())));

        assertThat(output.getString("body")).isEqualTo("/new?x=1 Bearer t");
    }

    @Test
    void credentialsDoNotCrossToAnotherOrigin() {
        var other = serve(request -> request.response()
                .end(request.getHeader("Authorization") + " " + request.getHeader("Cookie") + " "
                        + request.getHeader("X-Api-Key") + " " + request.getHeader("Accept")));
        var server = serve(request -> request.response()
                .setStatusCode(307)
                .putHeader("Location", url(other, "/"))
                .end());

        var output = output(bench.start(new Http(
                "GET",
                url(server, "/").replace("http://", "http://me:secret@"),
                Map.of("Cookie", "c=1", "X-Api-Key", "k", "Accept", "text/x"),
                Optional.empty())));

        assertThat(output.getString("body")).isEqualTo("null null null text/x");
    }

    @Test
    void credentialsInTheUrlAreSentAndNotLogged() {
        var server = serve(request -> request.response().end(request.getHeader("Authorization")));

        var attempt = bench.start(get(url(server, "/a?token=abc").replace("http://", "http://me:secret@")));

        assertThat(output(attempt).getString("body")).isEqualTo("Basic bWU6c2VjcmV0");
        assertThat(attempt.text()).doesNotContain("secret").doesNotContain("abc");
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void aRedirectedPostBecomesAGetUnlessItMustNot(int status) {
        var server = serve(request -> {
            if (request.uri().equals("/old")) {
                request.response()
                        .setStatusCode(status)
                        .putHeader("Location", "/new")
                        .end();
            } else {
                request.body()
                        .onSuccess(body -> request.response()
                                .end(request.method() + " " + body + " " + request.getHeader("Content-Type")));
            }
        });

        var output = output(bench.start(new Http(
                "POST", url(server, "/old"), Map.of("Content-Type", "text/x"), Optional.of(new Json("\"b\"")))));

        assertThat(output.getString("body")).isEqualTo(status < 307 ? "GET  null" : "POST b text/x");
    }

    @Test
    void fiveRedirectsAreFollowedAndNoMore() {
        var server = serve(request -> {
            var left = Integer.parseInt(request.uri().substring(1));
            if (left == 0) {
                request.response().end("there");
            } else {
                request.response()
                        .setStatusCode(302)
                        .putHeader("Location", "/" + (left - 1))
                        .end();
            }
        });

        assertThat(output(bench.start(get(url(server, "/5")))).getString("body"))
                .isEqualTo("there");
        assertThat(((Failed) bench.run(get(url(server, "/6")))).error()).contains("more than 5 redirects");
    }

    @Test
    void aRedirectToSomethingElseThanHttpFails() {
        var server = serve(request -> request.response()
                .setStatusCode(302)
                .putHeader("Location", "file:///etc/passwd")
                .end());

        assertThat(((Failed) bench.run(get(url(server, "/")))).error()).contains("http://");
    }

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

    private HttpServer serve(Handler<HttpServerRequest> handler) {
        return await(bench.vertx.createHttpServer().requestHandler(handler).listen(0, "127.0.0.1"));
    }

    private HttpServer serveTls() throws IOException, InterruptedException {
        var store = folder.resolve("server.p12").toString();
        var keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "server",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=127.0.0.1",
                        "-ext",
                        "san=ip:127.0.0.1",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store,
                        "-storepass",
                        "storepass")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(keytool.waitFor()).isZero();
        var options = new HttpServerOptions()
                .setSsl(true)
                .setKeyCertOptions(new PfxOptions().setPath(store).setPassword("storepass"));
        return await(bench.vertx
                .createHttpServer(options)
                .requestHandler(request -> request.response().end("never"))
                .listen(0, "127.0.0.1"));
    }

    private static String url(HttpServer server, String path) {
        return "http://127.0.0.1:" + server.actualPort() + path;
    }

    private static Http get(String url) {
        return new Http("GET", url, Map.of(), Optional.empty());
    }

    private static JsonObject output(Workbench.Attempt attempt) {
        var outcome = attempt.outcome();
        assertThat(outcome).isInstanceOf(Succeeded.class);
        return new JsonObject(((Succeeded) outcome).output().text());
    }

    private static Buffer gzip(byte[] content) throws IOException {
        var zipped = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(zipped)) {
            gzip.write(content);
        }
        return Buffer.buffer(zipped.toByteArray());
    }
}
