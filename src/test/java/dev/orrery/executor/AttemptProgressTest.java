package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AttemptProgressTest {

    private static final TaskInstanceId TASK = TaskInstanceId.of(new RunId(new UUID(7, 0)), 1);

    private final Vertx vertx = Vertx.vertx();
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final Queue<Promise<Void>> answers = new ConcurrentLinkedQueue<>();
    private final LogSink sink = new LogSink() {
        @Override
        public Future<Void> append(TaskInstanceId task, int attempt, long offset, Buffer bytes) {
            return Future.succeededFuture();
        }

        @Override
        public Future<Void> progress(TaskInstanceId task, int attempt, int percent) {
            // Who sees that it is told finds what answers it.
            Promise<Void> answer = Promise.promise();
            answers.add(answer);
            told.add(task + " " + attempt + " " + percent);
            return answer.future();
        }
    };
    private final AttemptLog log = new AttemptLog(vertx.getOrCreateContext(), sink, TASK, 2);

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Test
    void ofManyValuesTheFirstAndTheLatestAreTold() {
        for (var percent = 1; percent <= 99; percent++) {
            log.progress(percent);
        }
        until("the first is told", () -> told.size() == 1);
        answers.remove().complete();

        var closed = log.close();
        until("the latest is told", () -> told.size() == 2);

        assertThat(closed.isComplete()).as("it is not stored yet").isFalse();
        answers.remove().complete();
        await(closed);
        assertThat(told).containsExactly(TASK + " 2 1", TASK + " 2 99");
    }

    @Test
    void theNextValueIsToldAfterAPauseAndTheSameOneNotAgain() {
        log.progress(1);
        until("it is told", () -> told.size() == 1);
        var begun = System.nanoTime();
        answers.remove().complete();
        log.progress(1);
        log.progress(2);

        until("the next is told", () -> told.size() == 2);

        assertThat(System.nanoTime() - begun).isGreaterThan(900_000_000L);
        answers.remove().complete();
        log.progress(2);
        await(log.close());
        log.progress(3);
        assertThat(told).containsExactly(TASK + " 2 1", TASK + " 2 2");
    }

    @Test
    void whatIsNotTakenIsToldAgain() {
        log.progress(33);
        until("it is told", () -> told.size() == 1);
        answers.remove().fail("the attempt is not known yet");

        until("it is told again", () -> told.size() == 2);
        answers.remove().complete();

        await(log.close());
        assertThat(told).containsExactly(TASK + " 2 33", TASK + " 2 33");
    }

    @Test
    void whatIsRefusedEndsNothing() {
        log.progress(1);
        until("it is told", () -> told.size() == 1);
        answers.remove().fail("the database is away");
        log.progress(2);

        var closed = log.close();
        until("the next is told", () -> told.size() == 2);
        answers.remove().fail("the database is away");

        await(closed);
    }
}
