package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HttpTaskIT extends HttpTaskTestBase {

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

        var plain = HttpCall.of(get("http://my_service/rows"), context, "", TaskSecrets.NONE.of(context.tenant()));
        var full = HttpCall.of(
                get("https://my_service.example:8443/rows"), context, "", TaskSecrets.NONE.of(context.tenant()));
        var next = full.redirected(302, "https://my_other/");

        assertThat(plain.host() + " " + plain.port()).isEqualTo("my_service 80");
        assertThat(full.hostAndPort()).isEqualTo("my_service.example:8443");
        assertThat(next.host() + " " + next.port()).isEqualTo("my_other 443");
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
}
