package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Await;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client may not do, byte by byte. */
class HttpLimitsTest extends ApiTestBase {

    private static final String HEAD =
            "POST /api/v1/dags HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    private static final Limits ROOMY = bodiesWithin(Duration.ofMinutes(10));
    private static final String HELD = "orrery_http_held_bytes";
    private static final String ANNOUNCED = HEAD + "Content-Length: 200000\r\n\r\n";
    private static final String BODY = " ".repeat(200_000 - 12) + "{\"yaml\":\"a\"}";
    private static final String CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n";

    @Test
    void aBodyInChunksIsRefusedAsSoonAsItIsTooLarge() throws IOException {
        start();
        var chunk = "10000\r\n" + "y".repeat(0x10000) + "\r\n";

        try (var http = new RawHttp(api.port())) {
            http.send(CHUNKED);
            for (var i = 0; i < 33; i++) {
                http.send(chunk);
            }

            assertThat(http.answer()).startsWith("HTTP/1.1 413").contains("PAYLOAD_TOO_LARGE");
        }
        assertThat(requests).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Transfer-Encoding: gzip", "Transfer-Encoding: gzip, chunked", "Host: localhost"})
    void whatOthersMayReadDifferentlyIsRefusedAndEndsTheConnection(String header) throws IOException {
        start();

        try (var http = new RawHttp(api.port())) {
            http.send(HEAD + header + "\r\n\r\n5\r\nhello\r\n0\r\n\r\n");

            assertThat(http.untilClosed()).startsWith("HTTP/1.1 400").contains(header.split(":")[0]);
        }
        assertThat(requests).isEmpty();
    }

    @Test
    void whoSendsOnRegardlessIsCutOff() throws IOException {
        start();
        var chunk = "100000\r\n" + "y".repeat(0x100000) + "\r\n";

        try (var http = new RawHttp(api.port())) {
            http.send(CHUNKED);
            var sent = 0;
            while (sent < 200 && http.trySend(chunk)) {
                sent++;
            }

            assertThat(sent).isBetween(3, 60);
        }
    }

    @Test
    void aConnectionServesOnAfterARefusedBody() throws IOException {
        start();

        try (var http = new RawHttp(api.port())) {
            http.send(HEAD.replace("json", "xml") + "Content-Length: 5\r\n\r\n<a/>\n");
            assertThat(http.answer()).startsWith("HTTP/1.1 415");

            http.send("GET /api/v1/dags HTTP/1.1\r\nHost: localhost\r\n\r\n");
            assertThat(http.answer()).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void whoSendsManyRequestsAheadAndTakesNoAnswersIsCutOff() throws IOException {
        Promise<Answer> first = Promise.promise();
        operations.put("listDags", _ -> first.future());
        start();
        var request = "GET /api/v1/dags HTTP/1.1\r\nHost: localhost\r\n\r\n";

        try (var http = new RawHttp(api.port())) {
            http.trySend(request.repeat(PipelineLimit.MAX + 2));

            assertThat(http.untilClosed()).isEmpty();
        }
    }

    @Test
    void asManyRequestsAheadAsMayBeAreAnsweredAgainAndAgain() throws IOException {
        start();
        var request = "GET /api/v1/dags HTTP/1.1\r\nHost: localhost\r\n\r\n";

        try (var http = new RawHttp(api.port())) {
            for (var round = 0; round < 5; round++) {
                http.send(request.repeat(PipelineLimit.MAX));
                for (var n = 0; n < PipelineLimit.MAX; n++) {
                    assertThat(http.answer()).startsWith("HTTP/1.1 200");
                }
            }
        }
    }

    @Test
    void whoAsksBeforeSendingIsAnsweredBeforeSending() throws IOException {
        start();
        var expecting = HEAD + "Expect: 100-continue\r\n";

        try (var http = new RawHttp(api.port())) {
            http.send(expecting + "Content-Length: 12\r\n\r\n");
            assertThat(http.answer()).startsWith("HTTP/1.1 100");
            http.send("{\"yaml\":\"a\"}");
            assertThat(http.answer()).startsWith("HTTP/1.1 201");
        }
        try (var http = new RawHttp(api.port())) {
            http.send(expecting + "Content-Length: 3000000\r\n\r\n");
            assertThat(http.answer()).startsWith("HTTP/1.1 413");
        }
    }

    @Test
    void aBodyThatDoesNotArriveIsNotWaitedFor() throws IOException {
        start(HTTP, QUICK, List.of());

        try (var http = new RawHttp(api.port())) {
            http.send(HEAD + "Content-Length: 100\r\n\r\n{");

            assertThat(http.untilClosed()).startsWith("HTTP/1.1 400").contains("did not arrive");
        }
    }

    @Test
    void bodiesBeyondTheBytesThatAreHeldAtOnceAreRefusedUntilThereIsRoom() throws IOException {
        start(HTTP, ROOMY, List.of());

        try (var first = new RawHttp(api.port());
                var second = new RawHttp(api.port());
                var chunked = new RawHttp(api.port());
                var small = new RawHttp(api.port())) {
            first.send(ANNOUNCED + BODY.substring(0, BODY.length() - 1));
            awaitHeld(799_996);
            second.send(ANNOUNCED);
            chunked.send(CHUNKED + "186A0\r\n" + "y".repeat(100_000) + "\r\n");
            small.send(HEAD + "Content-Length: 12\r\n\r\n{\"yaml\":\"a\"}");

            assertThat(second.answer()).startsWith("HTTP/1.1 429").contains("OVERLOADED", "retry-after");
            assertThat(chunked.answer()).startsWith("HTTP/1.1 429").contains("OVERLOADED");
            assertThat(small.answer()).startsWith("HTTP/1.1 201");

            first.send("}");
            assertThat(first.answer()).startsWith("HTTP/1.1 201");
            awaitHeld(0);
        }
        try (var next = new RawHttp(api.port())) {
            next.send(ANNOUNCED + BODY);
            assertThat(next.answer()).startsWith("HTTP/1.1 201");
        }
    }

    @Test
    void bodiesThatAreOnlyAnnouncedKeepNobodyOut() throws IOException {
        start(HTTP, ROOMY, List.of());

        try (var first = new RawHttp(api.port());
                var second = new RawHttp(api.port());
                var third = new RawHttp(api.port());
                var honest = new RawHttp(api.port())) {
            for (var slow : List.of(first, second, third)) {
                slow.send(ANNOUNCED + "  ");
            }
            awaitHeld(3 * 4096);

            honest.send(ANNOUNCED + BODY);

            assertThat(honest.answer()).startsWith("HTTP/1.1 201");
        }
    }

    @Test
    void aBodyForWhichThereIsRoomWhereThereIsNoOtherIsTakenHoweverItComes() throws IOException {
        start(HTTP, ROOMY, List.of());

        try (var http = new RawHttp(api.port())) {
            http.send(HEAD + "Content-Length: 1000000\r\n\r\n" + " ".repeat(500_000));
            awaitHeld(2_000_000);
            http.send(" ".repeat(500_000 - 12) + "{\"yaml\":\"a\"}");

            assertThat(http.answer()).startsWith("HTTP/1.1 201");
        }
    }

    @Test
    void aLargeBodyThatStopsToComeIsNotHeld() throws IOException {
        start(HTTP, bodiesWithin(Duration.ofSeconds(12)), List.of());

        try (var http = new RawHttp(api.port())) {
            http.send(ANNOUNCED + " ".repeat(100_000));

            assertThat(http.untilClosed()).startsWith("HTTP/1.1 400").contains("too slowly");
            awaitHeld(0);
        }
    }

    @Test
    void aBodyThatNeverComesGivesItsRoomBack() throws IOException {
        start(HTTP, ROOMY, List.of());

        try (var http = new RawHttp(api.port())) {
            http.send(ANNOUNCED + "{");
            awaitHeld(4096);
        }

        awaitHeld(0);
    }

    @Test
    void answersThatNobodyTakesAreHeldUpToTheLimit() throws IOException {
        var large = Buffer.buffer(new byte[16 << 20]);
        operations.put(
                "listDags", _ -> Future.succeededFuture(new Answer.Whole(200, Map.of(), "application/json", large)));
        start(HTTP, ROOMY, List.of());
        var get = "GET /api/v1/dags HTTP/1.1\r\nHost: localhost\r\n\r\n";

        try (var slow = new RawHttp(api.port());
                var other = new RawHttp(api.port())) {
            slow.send(get);
            awaitHeld(large.length());
            other.send(get);

            assertThat(other.answer()).startsWith("HTTP/1.1 429").contains("wait for their readers");
        }

        awaitHeld(0);
    }

    private void awaitHeld(long bytes) {
        Await.until(
                "so many bytes are held: " + bytes,
                () -> metrics.scrape().contains(HELD + " " + (double) bytes + "\n"));
    }

    @Test
    void aHeadThatDripsIsNotWaitedFor() throws IOException {
        start(HTTP, QUICK, List.of());
        var begun = System.nanoTime();

        try (var http = new RawHttp(api.port())) {
            http.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Drip: ");
            while (http.trySend("x") && elapsed(begun).toSeconds() < 15) {
                LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
            }

            assertThat(elapsed(begun)).isBetween(Duration.ofMillis(800), Duration.ofSeconds(10));
        }
    }

    private static Duration elapsed(long begun) {
        return Duration.ofNanos(System.nanoTime() - begun);
    }

    @Test
    void headsBeyondTheLimitsAreRefused() throws IOException {
        start();

        try (var http = new RawHttp(api.port())) {
            http.send("GET /" + "x".repeat(10_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
            assertThat(http.untilClosed()).matches("(?s)HTTP/1.[01] 400.*").contains("BAD_REQUEST", "too long");
        }
        try (var http = new RawHttp(api.port())) {
            http.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + "x".repeat(40_000) + "\r\n\r\n");
            assertThat(http.untilClosed()).matches("(?s)HTTP/1.[01] 400.*").contains("too long");
        }
    }

    @Test
    void whatIsNoHttpIsRefused() throws IOException {
        start();

        for (var nonsense :
                new String[] {"\u0016\u0003\u0001 hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n no header\r\n\r\n"
                }) {
            try (var http = new RawHttp(api.port())) {
                http.send(nonsense);

                assertThat(http.untilClosed()).matches("(?s)HTTP/1.[01] 400.*").contains("BAD_REQUEST");
            }
        }
    }

    @Test
    void aRequestWithoutHostIsRefused() throws IOException {
        start();

        try (var http = new RawHttp(api.port())) {
            http.send("GET /docs HTTP/1.1\r\n\r\n");

            assertThat(http.answer()).startsWith("HTTP/1.1 400").contains("BAD_REQUEST");
        }
        try (var http = new RawHttp(api.port())) {
            http.send("GET /docs HTTP/1.0\r\n\r\n");

            assertThat(http.untilClosed()).startsWith("HTTP/1.0 403").contains("FORBIDDEN");
        }
    }

    @Test
    void connectionsBeyondTheLimitAreClosed() throws IOException {
        start(HTTP, twoConnections(Duration.ofSeconds(60)), List.of());
        var open = new ArrayList<RawHttp>();

        var answered = 0;
        for (var i = 0; i < 10; i++) {
            var http = new RawHttp(api.port());
            open.add(http);
            if (http.trySend("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n") && answers(http)) {
                answered++;
            }
        }
        for (var http : open) {
            http.close();
        }

        assertThat(answered).as("two event loops with two connections each").isEqualTo(4);
    }

    @Test
    void connectionsThatOnlyStandThereMakeRoomForOthers() throws IOException {
        start(HTTP, twoConnections(Duration.ofSeconds(20)), List.of());
        var idle = new ArrayList<RawHttp>();
        for (var i = 0; i < 4; i++) {
            idle.add(new RawHttp(api.port()));
        }

        Await.until("another one is answered", Duration.ofSeconds(10), () -> {
            try (var http = new RawHttp(api.port())) {
                return http.trySend("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n") && answers(http);
            } catch (IOException _) {
                return false;
            }
        });

        for (var http : idle) {
            http.close();
        }
    }

    @Test
    void connectionsAtWorkMakeNoRoom() throws IOException {
        var release = Promise.<Answer>promise();
        var waiting = new AtomicInteger();
        operations.put("listDags", _ -> {
            waiting.incrementAndGet();
            return release.future();
        });
        start(HTTP, twoConnections(Duration.ofSeconds(5)), List.of());
        var atWork = new ArrayList<RawHttp>();
        for (var i = 0; i < 4; i++) {
            var http = new RawHttp(api.port());
            atWork.add(http);
            http.send("GET /api/v1/dags HTTP/1.1\r\nHost: localhost\r\n\r\n");
        }
        Await.until("all are at work", () -> waiting.get() == 4);
        // By then one that only stood there would make room.
        ahead.addAndGet(Duration.ofSeconds(2).toNanos());

        for (var i = 0; i < 4; i++) {
            try (var late = new RawHttp(api.port())) {
                assertThat(late.trySend("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n") && answers(late))
                        .isFalse();
            }
        }

        release.complete(Answer.json(200, out -> out.writeRawValue("[]")));
        for (var http : atWork) {
            assertThat(http.answer()).startsWith("HTTP/1.1 200");
            http.close();
        }
    }

    /** With room for a megabyte at once. */
    private static Limits bodiesWithin(Duration body) {
        return new Limits(
                Duration.ofSeconds(60),
                body,
                Duration.ofSeconds(30),
                Duration.ofSeconds(60),
                Duration.ofSeconds(15),
                10,
                50,
                1 << 20);
    }

    /** Of each event loop, of which there are two; the head of a request has this long to come. */
    private static Limits twoConnections(Duration head) {
        return new Limits(
                head,
                Duration.ofSeconds(30),
                Duration.ofSeconds(30),
                Duration.ofSeconds(60),
                Duration.ofSeconds(15),
                10,
                2,
                1 << 20);
    }

    private static boolean answers(RawHttp http) {
        try {
            return http.answer().startsWith("HTTP/1.1 200");
        } catch (IOException _) {
            return false;
        }
    }
}
