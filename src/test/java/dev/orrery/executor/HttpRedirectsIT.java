package dev.orrery.executor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a redirect leads, and what goes with it. */
class HttpRedirectsIT extends HttpTaskTestBase {

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
}
