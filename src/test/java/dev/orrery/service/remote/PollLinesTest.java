package dev.orrery.service.remote;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who waits is given what is ready, in turn, and the database is asked as seldom as may be. */
class PollLinesTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Future<Void> NEVER = Future.future(_ -> {});

    private final IdSequence ids = new IdSequence(1);
    private final Vertx vertx = Vertx.vertx();
    private final AtomicInteger claims = new AtomicInteger();
    private final AtomicInteger looks = new AtomicInteger();

    /** What is ready, as handlers. Guarded by this. */
    private final List<String> ready = new ArrayList<>();

    private volatile Future<Void> database = Future.succeededFuture();
    private final PollLines<String> lines = new PollLines<>(vertx, 3, this::claim, this::look);

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Test
    void whoComesIsGivenWhatIsReady() {
        become("a", "a", "a");

        assertThat(await(wait(worker("a", "b"), 2))).containsExactly("a", "a");
        assertThat(await(wait(worker("b", "a"), 2))).containsExactly("a");
        assertThat(lines.size()).isZero();
    }

    @Test
    void theLongestWaitingIsGivenItAndTheOthersAskNothing() {
        var first = wait(worker("a"), 1);
        var second = wait(worker("a"), 1);
        var third = wait(worker("b"), 1);
        assertThat(claims).hasValue(3);

        become("a");
        lines.signal(List.of(queue("a")));

        assertThat(await(first)).containsExactly("a");
        until("the line is tried again", () -> claims.get() == 5);
        assertThat(second.isComplete()).isFalse();
        assertThat(third.isComplete()).isFalse();
        assertThat(looks).as("it was said where").hasValue(0);
    }

    @Test
    void aSignalThatDoesNotSayWhereIsOneQuestionForAll() {
        wait(worker("a"), 1);
        var given = wait(worker("b"), 1);
        wait(worker("c"), 1);
        become("b");
        var before = claims.get();

        lines.look();

        assertThat(await(given)).containsExactly("b");
        assertThat(looks).hasValue(1);
        assertThat(claims).as("nobody waits for b any more").hasValue(before + 1);
    }

    @Test
    void whatBecomesReadyWhileItIsAskedIsNotMissed() {
        Promise<Void> slow = Promise.promise();
        database = slow.future();
        var poll = wait(worker("a"), 1);

        become("a");
        lines.signal(List.of(queue("a")));
        assertThat(poll.isComplete()).isFalse();
        missed.add("a");
        slow.complete();

        assertThat(await(poll)).containsExactly("a");
        assertThat(claims).hasValue(2);
    }

    /** What the claims under way do not see. */
    private final List<String> missed = new ArrayList<>();

    @Test
    void nothingIsGivenWhenTheTimeIsOver() {
        assertThat(await(lines.wait(worker("a"), 1, Duration.ofMillis(1), NEVER)))
                .isEmpty();
        assertThat(lines.size()).isZero();
        become("a");
        lines.signal(List.of(queue("a")));

        assertThat(claims).hasValue(1);
    }

    @Test
    void whoHungUpIsNotClaimedFor() {
        Promise<Void> gone = Promise.promise();
        var left = lines.wait(worker("a"), 1, LONG, gone.future());
        var stays = wait(worker("a"), 1);
        gone.complete();
        become("a");

        lines.signal(List.of(queue("a")));

        assertThat(await(left)).isEmpty();
        assertThat(await(stays)).containsExactly("a");
    }

    @Test
    void aSecondPollOfAWorkerEndsTheFirst() {
        var worker = worker("a");
        var first = wait(worker, 1);
        var second = wait(worker, 1);

        assertThat(await(first)).isEmpty();
        assertThat(second.isComplete()).isFalse();
        assertThat(lines.size()).isEqualTo(1);
    }

    @Test
    void moreThanItAdmitsAreRefused() {
        for (var n = 0; n < 3; n++) {
            wait(worker("a"), 1);
        }

        assertThatThrownBy(() -> await(wait(worker("a"), 1)))
                .isInstanceOf(OrreryException.class)
                .hasMessageContaining("3 remote workers wait");
    }

    @Test
    void closingAnswersAllAndTakesNoMore() {
        var poll = wait(worker("a"), 1);

        lines.close();

        assertThat(await(poll)).isEmpty();
        assertThatThrownBy(() -> await(wait(worker("a"), 1))).hasMessageContaining("stopping");
    }

    @Test
    void aFailureIsToldAndTheNextIsServed() {
        database = Future.failedFuture("the database is away");
        assertThatThrownBy(() -> await(wait(worker("a"), 1))).hasMessageContaining("away");
        assertThat(lines.size()).isZero();

        database = Future.succeededFuture();
        become("a");
        assertThat(await(wait(worker("a"), 1))).containsExactly("a");
    }

    private Future<List<String>> wait(RemoteWorker worker, int limit) {
        return lines.wait(worker, limit, LONG, NEVER);
    }

    private RemoteWorker worker(String... handlers) {
        return new RemoteWorker(
                new NodeId(ids.next(System.nanoTime())),
                TenantId.DEFAULT,
                "w",
                List.of(handlers),
                1,
                Duration.ofSeconds(5));
    }

    private static String queue(String handler) {
        return "agent/1/" + handler;
    }

    private synchronized void become(String... handlers) {
        ready.addAll(Arrays.asList(handlers));
    }

    private Future<List<String>> claim(RemoteWorker worker, int limit, BooleanSupplier isGone) {
        claims.incrementAndGet();
        return database.map(_ -> taken(worker, limit));
    }

    private synchronized List<String> taken(RemoteWorker worker, int limit) {
        var taken = ready.stream()
                .filter(worker.handlers()::contains)
                .filter(handler -> !missed.remove(handler))
                .limit(limit)
                .toList();
        taken.forEach(ready::remove);
        return taken;
    }

    private synchronized Future<List<String>> look(Collection<String> queues) {
        looks.incrementAndGet();
        return Future.succeededFuture(ready.stream()
                .map(PollLinesTest::queue)
                .filter(queues::contains)
                .distinct()
                .toList());
    }
}
