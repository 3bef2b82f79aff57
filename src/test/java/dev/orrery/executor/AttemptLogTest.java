package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.executor.Workbench.StoredLog;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AttemptLogTest {

    private static final int LIMIT = 128 << 10;
    private static final TaskInstanceId TASK = TaskInstanceId.of(Workbench.RUN, 1);

    private final Vertx vertx = Vertx.vertx();
    private final StoredLog stored = new StoredLog();

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Test
    void whatWasSaidIsStoredAtTheEnd() {
        var log = log(stored);

        log.line("one");
        log.line("two\nthree");
        await(log.close());

        assertThat(stored.text()).isEqualTo("one\ntwo\nthree\n");
    }

    @Test
    void aLineIsStoredSoonThoughTheAttemptGoesOn() {
        var log = log(stored);

        log.line("still running");

        until("the first line is stored", () -> stored.text().equals("still running\n"));
        log.line("and on");
        until("the second line is stored", () -> stored.text().endsWith("and on\n"));
    }

    @Test
    void manyLinesMakeFewChunks() {
        var log = log(stored);

        for (var i = 0; i < 4_000; i++) {
            log.line("line " + i);
        }
        await(log.close());

        assertThat(stored.text().lines()).hasSize(4_000);
        assertThat(stored.chunks()).isLessThanOrEqualTo(4);
    }

    @Test
    void aLogThatFitsIsWholeToTheLastByte() {
        var log = log(stored);
        var line = "x".repeat(1023);

        for (var i = 0; i < LIMIT / 1024 - 1; i++) {
            log.line(line);
        }
        await(log.close());

        assertThat(stored.text()).isEqualTo((line + "\n").repeat(LIMIT / 1024 - 1));
    }

    @Test
    void aLogTooLongKeepsItsFirstAndLastHalfAndSaysHowMuchIsMissing() {
        var log = log(stored);

        for (var i = 0; i < 100_000; i++) {
            log.line("line " + i);
        }
        await(log.close());

        var lines = stored.text().lines().toList();
        var cut = lines.indexOf(
                lines.stream().filter(line -> line.startsWith("[")).findFirst().orElseThrow());
        var said = Integer.parseInt(lines.get(cut).substring(1, lines.get(cut).indexOf(' ')));
        assertThat(stored.length()).isLessThanOrEqualTo(LIMIT).isGreaterThan(LIMIT - 1024);
        assertThat(lines.getFirst()).isEqualTo("line 0");
        assertThat(lines.getLast()).isEqualTo("line 99999");
        assertThat(lines.get(cut - 1)).isEqualTo("line " + (cut - 1));
        assertThat(lines.get(cut + 1)).isEqualTo("line " + (100_000 - (lines.size() - cut - 1)));
        assertThat(said).isEqualTo(lengthOfLines(cut, 100_000 - (lines.size() - cut - 1)));
    }

    @Test
    void aSlowStoreSlowsNobodyAndLosesNothing() {
        var waiting = new ArrayDeque<Promise<Void>>();
        LogSink slow = (task, attempt, offset, bytes) -> {
            Promise<Void> promise = Promise.promise();
            synchronized (waiting) {
                waiting.add(promise);
            }
            return promise.future().compose(_ -> stored.append(task, attempt, offset, bytes));
        };
        var log = log(slow);

        for (var i = 0; i < 100_000; i++) {
            log.line("line " + i);
        }
        var closed = log.close();

        assertThat(closed.isComplete()).isFalse();
        until("all is stored", () -> {
            synchronized (waiting) {
                assertThat(waiting.size()).isLessThanOrEqualTo(1);
                if (!waiting.isEmpty()) {
                    waiting.remove().complete();
                }
            }
            return closed.isComplete();
        });
        assertThat(stored.text()).startsWith("line 0\n").endsWith("line 99999\n");
    }

    @Test
    void whatIsSaidWhileTheStoreIsBusyFollowsSoon() {
        Promise<Void> busy = Promise.promise();
        var calls = new AtomicInteger();
        var log = log((task, attempt, offset, bytes) -> {
            var first = calls.getAndIncrement() == 0 ? busy.future() : Future.<Void>succeededFuture();
            return first.compose(_ -> stored.append(task, attempt, offset, bytes));
        });
        log.line("one");
        until("the store is busy", () -> calls.get() == 1);

        log.line("two");
        busy.complete();

        until("both are stored", () -> stored.text().equals("one\ntwo\n"));
    }

    @Test
    void aRefusedChunkIsOfferedAgain() {
        var calls = new AtomicInteger();
        var log = log((task, attempt, offset, bytes) -> calls.getAndIncrement() == 0
                ? Future.failedFuture("the database is away")
                : stored.append(task, attempt, offset, bytes));

        log.line("kept");
        await(log.close());

        assertThat(stored.text()).isEqualTo("kept\n");
        assertThat(calls).hasValue(2);
    }

    @Test
    void linesAfterTheEndAreDropped() {
        var log = log(stored);
        log.line("in time");
        await(log.close());

        log.line("late");
        await(vertx.timer(400, TimeUnit.MILLISECONDS));

        assertThat(stored.text()).isEqualTo("in time\n");
    }

    @Test
    void anEmptyLogCostsTheStoreNothing() {
        await(log(stored).close());

        assertThat(stored.chunks()).isZero();
    }

    @Test
    void linesAreCleaned() {
        var log = log(stored);

        log.line("a\0b \ud800 c");
        await(log.close());

        assertThat(stored.text()).isEqualTo("a\uFFFDb \uFFFD c\n");
    }

    private static int lengthOfLines(int from, int to) {
        var length = 0;
        for (var i = from; i < to; i++) {
            length += ("line " + i + "\n").getBytes(UTF_8).length;
        }
        return length;
    }

    private AttemptLog log(LogSink sink) {
        return new AttemptLog(vertx.getOrCreateContext(), sink, TASK, 1, LIMIT);
    }
}
