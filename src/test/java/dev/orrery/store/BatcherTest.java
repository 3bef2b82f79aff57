package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BatcherTest {

    private static final Batcher.Limits SMALL = new Batcher.Limits(3, 100, 2, 5, 200);

    /** Statements that return when the test lets them. */
    private static final class Statements {
        private final List<List<Integer>> sent = new ArrayList<>();
        private final List<Promise<List<String>>> open = new ArrayList<>();

        Future<List<String>> execute(List<Integer> batch) {
            sent.add(batch);
            var promise = Promise.<List<String>>promise();
            open.add(promise);
            return promise.future();
        }

        void succeed(int number) {
            open.get(number).complete(answers(sent.get(number)));
        }

        void fail(int number, RuntimeException failure) {
            open.get(number).fail(failure);
        }
    }

    static final class Lasting extends OrreryException {
        private static final long serialVersionUID = 1L;

        Lasting() {
            super(ErrorCode.INTERNAL_ERROR, "this one is wrong");
        }
    }

    static final class Passing extends OrreryException {
        private static final long serialVersionUID = 1L;

        Passing() {
            super(ErrorCode.UNAVAILABLE, "the connection was lost");
        }
    }

    private final Statements statements = new Statements();
    private final List<Runnable> timers = new ArrayList<>();
    private final Batcher<Integer, String> batcher =
            new Batcher<>("tests", SMALL, _ -> 10, statements::execute, Lasting.class::isInstance);

    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Test
    void aLoneItemIsSentAtOnceAndAnswered() {
        var answer = batcher.add(7);

        assertThat(statements.sent).containsExactly(List.of(7));
        assertThat(answer.isComplete()).isFalse();
        statements.succeed(0);

        assertThat(answer.result()).isEqualTo("answer 7");
    }

    @Test
    void whatIsTooMuchForOneStatementIsSentAgain() {
        var answers = IntStream.range(0, 5).mapToObj(batcher::add).toList();
        statements.succeed(1);
        assertThat(statements.sent).last().isEqualTo(List.of(2, 3, 4));

        statements.open.get(2).complete(List.of("answer 2"));
        assertThat(statements.sent).last().isEqualTo(List.of(3, 4));
        statements.open.get(3).complete(List.of("answer 3"));
        assertThat(statements.sent).last().isEqualTo(List.of(4));
        statements.succeed(4);

        assertThat(answers.subList(1, 5)).allMatch(Future::succeeded);
        assertThat(answers.get(4).result()).isEqualTo("answer 4");
    }

    @Test
    void whatComesWhileStatementsAreUnderWayGoesTogetherWhenOneReturns() {
        var answers = IntStream.range(0, 6).mapToObj(batcher::add).toList();
        assertThat(statements.sent).containsExactly(List.of(0), List.of(1));

        statements.succeed(1);
        assertThat(statements.sent).containsExactly(List.of(0), List.of(1), List.of(2, 3, 4));
        statements.succeed(2);
        assertThat(statements.sent).hasSize(4).last().isEqualTo(List.of(5));
        statements.succeed(3);
        statements.succeed(0);

        assertThat(answers)
                .extracting(Future::result)
                .containsExactly(answers(List.of(0, 1, 2, 3, 4, 5)).toArray(String[]::new));
    }

    @Test
    void fewItemsWaitForTheStatementUnderWayManyAreWorthAnother() {
        var batcher = patient(_ -> 1);
        List.of(0, 1, 2).forEach(batcher::add);
        assertThat(statements.sent).containsExactly(List.of(0));
        batcher.add(3);
        assertThat(statements.sent).containsExactly(List.of(0), List.of(1, 2, 3));

        batcher.add(4);
        statements.succeed(1);
        assertThat(statements.sent).hasSize(2);
        patienceIsOver();
        assertThat(statements.sent).last().isEqualTo(List.of(4));
    }

    @Test
    void aHeavyItemIsWorthAStatementBesideAnother() {
        var batcher = patient(weight -> weight);
        batcher.add(1);
        batcher.add(10);
        assertThat(statements.sent).containsExactly(List.of(1));
        batcher.add(250);
        assertThat(statements.sent).containsExactly(List.of(1), List.of(10, 250));
    }

    @Test
    void asManyAreWaitedForAsLatelyCameTogetherAndOnceNobodyCameNoMore() {
        var batcher = patient(_ -> 1);
        batcher.add(0);
        statements.succeed(0);
        batcher.add(1);
        assertThat(statements.sent).hasSize(1);
        batcher.add(2);
        assertThat(statements.sent).last().isEqualTo(List.of(1, 2));
        statements.succeed(1);

        List.of(3, 4).forEach(batcher::add);
        assertThat(statements.sent).hasSize(2);
        patienceIsOver();
        assertThat(statements.sent).last().isEqualTo(List.of(3, 4));
        statements.succeed(2);

        for (var n = 0; n < 10; n++) {
            List.of(5, 6).forEach(batcher::add);
            assertThat(statements.sent).hasSize(4 + n).last().isEqualTo(List.of(5, 6));
            statements.succeed(3 + n);
        }
    }

    @Test
    void aTimerOfThoseThatWereSentMeanwhileHurriesNobody() {
        var batcher = patient(_ -> 1);
        batcher.add(0);
        batcher.add(1);
        statements.succeed(0);
        batcher.add(2);
        assertThat(statements.sent).containsExactly(List.of(0), List.of(1, 2));
        statements.succeed(1);
        batcher.add(3);

        timers.removeFirst().run();
        assertThat(statements.sent).hasSize(2);
        timers.removeFirst().run();
        assertThat(statements.sent).last().isEqualTo(List.of(3));
    }

    private void patienceIsOver() {
        while (!timers.isEmpty()) {
            timers.removeFirst().run();
        }
    }

    /** Two statements at a time, three items are worth one; its timers are the test's. */
    private Batcher<Integer, String> patient(ToLongFunction<Integer> weigh) {
        return new Batcher<>(
                "tests",
                new Batcher.Limits(10, 1_000, 2, 3, 10, 10_000),
                weigh,
                statements::execute,
                _ -> false,
                timers::add);
    }

    @Test
    void aBatchIsNoHeavierThanAllowedButAHeavyItemGoesAlone() {
        var byWeight = new Batcher<Integer, String>(
                "tests", new Batcher.Limits(10, 100, 1, 10, 10_000), weight -> weight, statements::execute, _ -> false);

        for (var weight : List.of(1, 60, 40, 1, 500, 2)) {
            byWeight.add(weight);
        }
        for (var number = 0; number < statements.sent.size(); number++) {
            statements.succeed(number);
        }

        assertThat(statements.sent).containsExactly(List.of(1), List.of(60, 40), List.of(1), List.of(500), List.of(2));
    }

    @Test
    void tooManyThatWaitAreRefusedAndRoomIsGivenBack() {
        IntStream.range(0, 7).forEach(batcher::add);

        assertOverloaded(batcher.add(7));
        statements.succeed(0);

        assertThat(batcher.waitingCount()).isEqualTo(2);
        assertThat(batcher.add(8).isComplete()).isFalse();
    }

    @Test
    void tooMuchThatWaitsIsRefusedButAloneEvenTheHeaviestIsTaken() {
        var byWeight = new Batcher<Integer, String>(
                "tests", new Batcher.Limits(10, 10, 1, 10, 100), weight -> weight, statements::execute, _ -> false);
        byWeight.add(1);

        assertThat(byWeight.add(5_000).isComplete()).isFalse();
        assertOverloaded(byWeight.add(1));
        statements.succeed(0);
        statements.succeed(1);

        byWeight.add(1);
        assertThat(byWeight.add(60).isComplete()).isFalse();
        assertThat(byWeight.add(40).isComplete()).isFalse();
        assertOverloaded(byWeight.add(1));
    }

    @Test
    void aPassingFailureIsThatOfAllCallersOfTheBatch() {
        var first = batcher.add(1);
        batcher.add(2);
        var third = batcher.add(3);
        var fourth = batcher.add(4);

        statements.fail(0, new Passing());
        statements.fail(2, new Passing());

        assertThat(List.of(first, third, fourth))
                .allSatisfy(answer -> assertThat(answer.cause()).isInstanceOf(Passing.class));
        assertThat(statements.sent).hasSize(3);
    }

    @Test
    void theCulpritOfABatchIsFoundAndTheOthersAreAnswered() {
        var gate = Promise.<List<String>>promise();
        var sent = new ArrayList<List<Integer>>();
        var halving = new Batcher<Integer, String>(
                "tests",
                new Batcher.Limits(8, 100, 1, 100, 1_000),
                _ -> 1,
                batch -> {
                    sent.add(batch);
                    if (batch.contains(0)) {
                        return gate.future();
                    }
                    return batch.contains(5)
                            ? Future.failedFuture(new Lasting())
                            : Future.succeededFuture(answers(batch));
                },
                Lasting.class::isInstance);
        var answers = IntStream.range(0, 9).mapToObj(halving::add).toList();

        gate.complete(List.of("answer 0"));

        assertThat(answers.get(5).cause()).isInstanceOf(Lasting.class);
        assertThat(answers.stream().filter(Future::succeeded).map(Future::result))
                .containsExactlyElementsOf(answers(List.of(0, 1, 2, 3, 4, 6, 7, 8)));
        assertThat(sent)
                .containsExactly(
                        List.of(0),
                        List.of(1, 2, 3, 4, 5, 6, 7, 8),
                        List.of(1, 2, 3, 4),
                        List.of(5, 6, 7, 8),
                        List.of(5, 6),
                        List.of(5),
                        List.of(6),
                        List.of(7, 8));
    }

    @Test
    void aStatementThatThrowsOrForgetsResultsFailsItsCallers() {
        var throwing = new Batcher<Integer, String>(
                "tests",
                SMALL,
                _ -> 1,
                _ -> {
                    throw new IllegalStateException("a bug");
                },
                _ -> false);
        var forgetful = new Batcher<Integer, String>(
                "tests", SMALL, _ -> 1, _ -> Future.succeededFuture(List.<String>of()), _ -> false);

        assertThat(throwing.add(1).cause()).hasMessage("a bug");
        assertThat(forgetful.add(1).cause()).hasMessage("a batch of 1 tests had 0 results");
    }

    @Test
    void manyBatchesThatReturnAtOnceMakeNoDeepStack() {
        var gate = Promise.<List<String>>promise();
        var first = new AtomicInteger();
        var ones = new Batcher<Integer, String>(
                "tests",
                new Batcher.Limits(1, 100, 1, 200_000, 1_000_000),
                _ -> 1,
                batch -> first.getAndIncrement() == 0 ? gate.future() : Future.succeededFuture(answers(batch)),
                _ -> false);
        var answers = IntStream.range(0, 100_000).mapToObj(ones::add).toList();

        gate.complete(List.of("answer 0"));

        assertThat(answers).allMatch(Future::succeeded);
    }

    @Test
    void answersComeOnTheContextOfTheirCaller() {
        var caller = vertx.getOrCreateContext();
        var seen = Promise.<Context>promise();
        caller.runOnContext(_ -> batcher.add(1).onComplete(_ -> seen.complete(Vertx.currentContext())));
        until("it was sent", () -> !statements.sent.isEmpty());

        statements.succeed(0);

        assertThat(await(seen.future())).isSameAs(caller);
    }

    @Test
    void callersFromManyThreadsAreAllAnsweredOnce() throws InterruptedException {
        var underWay = new AtomicInteger();
        var most = new AtomicInteger();
        var limits = new Batcher.Limits(50, 1_000_000, 3, 1_000_000, 1_000_000_000);
        var answered = ConcurrentHashMap.<Integer>newKeySet();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var shared = new Batcher<Integer, String>(
                    "tests",
                    limits,
                    _ -> 1,
                    batch -> {
                        most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
                        var promise = Promise.<List<String>>promise();
                        threads.execute(() -> {
                            underWay.decrementAndGet();
                            promise.complete(answers(batch));
                        });
                        return promise.future();
                    },
                    _ -> false);
            var left = new CountDownLatch(20_000);
            for (var n = 0; n < 20_000; n++) {
                var number = n;
                threads.execute(() -> shared.add(number).onSuccess(answer -> {
                    if (answer.equals("answer " + number) && answered.add(number)) {
                        left.countDown();
                    }
                }));
            }

            assertThat(left.await(30, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
        }
        assertThat(most).hasValueLessThanOrEqualTo(3);
    }

    static void assertOverloaded(Future<String> answer) {
        assertThat(answer.failed()).isTrue();
        assertThatThrownBy(() -> await(answer))
                .isInstanceOfSatisfying(
                        OrreryException.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.OVERLOADED));
    }

    static List<String> answers(List<Integer> batch) {
        return batch.stream().map(number -> "answer " + number).toList();
    }
}
