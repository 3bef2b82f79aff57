package dev.orrery.telemetry;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.LogLines;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BlockedThreadsTest {

    private static final Pattern MILLIS = Pattern.compile("blocked: millis=([0-9]+) thread=(vert\\.x-\\S+) work=hard");

    /** Looks at its threads each few milliseconds. */
    private final Vertx vertx = Vertx.vertx(new VertxOptions()
            .setEventLoopPoolSize(1)
            .setBlockedThreadCheckInterval(5)
            .setBlockedThreadCheckIntervalUnit(TimeUnit.MILLISECONDS)
            .setMaxEventLoopExecuteTime(50)
            .setMaxEventLoopExecuteTimeUnit(TimeUnit.MILLISECONDS));

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Test
    void aBlockedThreadIsToldWithItsTraceThenEachTimeInTwiceTheTimeAndWhenItGoesOn() {
        BlockedThreads.tell(vertx, _ -> "work=hard");
        try (var log = new LogLines(BlockedThreads.class)) {
            var release = new CountDownLatch(1);

            vertx.runOnContext(_ -> awaitQuietly(release));
            until("it is told four times", () -> log.messages().size() >= 4);
            release.countDown();
            until("it is told that it goes on", () -> log.messages().stream().anyMatch(BlockedThreadsTest::isEnd));

            // Behind it a slow machine may have been told of.
            var lines = log.lines().stream()
                    .takeWhile(line -> !isEnd(line.message()))
                    .toList();
            var told = lines.stream().map(line -> millis(line.message())).toList();
            for (var n = 1; n < told.size(); n++) {
                assertThat(told.get(n)).as("after %s", told).isGreaterThanOrEqualTo(2 * told.get(n - 1));
            }
            assertThat(lines.getFirst().trace()).contains("BlockedThreadsTest.awaitQuietly");
            assertThat(lines.stream().skip(1))
                    .allSatisfy(line -> assertThat(line.trace()).isEmpty());
        }
    }

    private static boolean isEnd(String message) {
        return message.startsWith("a thread is blocked no more: ");
    }

    private static long millis(String message) {
        var found = MILLIS.matcher(message);
        assertThat(found.find()).as(message).isTrue();
        return Long.parseLong(found.group(1));
    }

    private static void awaitQuietly(CountDownLatch release) {
        try {
            release.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
