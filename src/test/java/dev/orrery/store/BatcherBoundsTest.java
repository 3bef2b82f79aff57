package dev.orrery.store;

import static dev.orrery.store.BatcherTest.answers;
import static dev.orrery.store.BatcherTest.assertOverloaded;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.store.BatcherTest.Lasting;
import dev.orrery.store.BatcherTest.Passing;
import dev.orrery.testing.Seeded;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** A batcher against chance: whatever callers and statements do. */
class BatcherBoundsTest {

    /** Whatever happens in whatever order: each item is answered once, in a batch within its bounds, and none waits in vain. */
    @Test
    void everyItemIsAnsweredOnceWithinAllBounds() {
        Seeded.forAll(2_000, random -> new Model(random).play());
    }

    private static final class Model {
        private final RandomGenerator random;
        private final Batcher.Limits limits;
        private final List<List<Integer>> sent = new ArrayList<>();
        private final List<Promise<List<String>>> open = new ArrayList<>();
        private final List<List<Integer>> openBatches = new ArrayList<>();
        private final List<Future<String>> answers = new ArrayList<>();
        private final List<Integer> weights = new ArrayList<>();
        private final Batcher<Integer, String> batcher;
        private int completedAtOnce;

        Model(RandomGenerator random) {
            this.random = random;
            this.limits = new Batcher.Limits(
                    random.nextInt(1, 9),
                    random.nextInt(1, 60),
                    random.nextInt(1, 4),
                    random.nextInt(1, 12),
                    random.nextInt(1, 100));
            this.batcher = new Batcher<>("tests", limits, this::weight, this::execute, Lasting.class::isInstance);
        }

        private long weight(Integer item) {
            return weights.get(item);
        }

        private boolean isCulprit(int item) {
            return item % 7 == 3;
        }

        private Future<List<String>> execute(List<Integer> batch) {
            assertThat(batch)
                    .isNotEmpty()
                    .hasSizeLessThanOrEqualTo(limits.batchCount())
                    .isSorted();
            var weight = batch.stream().mapToLong(this::weight).sum();
            assertThat(batch.size() == 1 || weight <= limits.batchWeight()).isTrue();
            sent.add(batch);
            if (random.nextInt(4) == 0) {
                completedAtOnce++;
                return outcome(batch);
            }
            var promise = Promise.<List<String>>promise();
            open.add(promise);
            openBatches.add(batch);
            assertThat(open).hasSizeLessThanOrEqualTo(limits.inFlight());
            return promise.future();
        }

        private Future<List<String>> outcome(List<Integer> batch) {
            if (batch.stream().anyMatch(this::isCulprit)) {
                return Future.failedFuture(new Lasting());
            }
            return random.nextInt(20) == 0
                    ? Future.failedFuture(new Passing())
                    : Future.succeededFuture(answers(batch));
        }

        void play() {
            for (var step = 0; step < 60; step++) {
                if (random.nextBoolean()) {
                    add();
                } else {
                    completeOne();
                }
                assertThat(batcher.waitingCount() == 0 || open.size() == limits.inFlight())
                        .as("nothing waits while a statement may be sent")
                        .isTrue();
            }
            while (!open.isEmpty()) {
                completeOne();
            }
            checkAnswers();
        }

        private void add() {
            var item = weights.size();
            weights.add(random.nextInt(0, 40));
            var couldWait = batcher.waitingCount() < limits.waitingCount();
            var answer = batcher.add(item);
            if (!couldWait) {
                assertOverloaded(answer);
            }
            answers.add(answer);
        }

        private void completeOne() {
            if (open.isEmpty()) {
                return;
            }
            var number = random.nextInt(open.size());
            var promise = open.remove(number);
            outcome(openBatches.remove(number)).onComplete(promise);
        }

        private void checkAnswers() {
            for (var item = 0; item < answers.size(); item++) {
                var answer = answers.get(item);
                var number = item;
                assertThat(answer.isComplete()).as("item %s is answered", item).isTrue();
                var timesAlone = sent.stream()
                        .filter(batch -> batch.equals(List.of(number)))
                        .count();
                var timesSent =
                        sent.stream().filter(batch -> batch.contains(number)).count();
                if (answer.succeeded()) {
                    assertThat(answer.result()).isEqualTo("answer " + item);
                    assertThat(isCulprit(item)).isFalse();
                } else if (answer.cause() instanceof Lasting) {
                    assertThat(isCulprit(item))
                            .as("item %s answers for itself alone", item)
                            .isTrue();
                    assertThat(timesAlone).isOne();
                } else if (!(answer.cause() instanceof Passing)) {
                    assertOverloaded(answer);
                    assertThat(timesSent).isZero();
                }
            }
            assertThat(completedAtOnce).isLessThanOrEqualTo(sent.size());
        }
    }
}
