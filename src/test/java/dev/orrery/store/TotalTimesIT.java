package dev.orrery.store;

import static dev.orrery.store.TaskBench.FAIL;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.testing.Seeded;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Since when the attempts of a task count together for its {@code totalTimeout}. */
class TotalTimesIT {

    private static final Verdict AT_ONCE = new Verdict.Retry(Duration.ZERO, "again", false);
    private static final Verdict LATER = new Verdict.Snooze(Duration.ZERO);
    private static final int STEPS = 12;

    private TaskBench bench;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(SingleTaskRepository.Limits.USUAL);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void whatHasNotBegunHasUsedNothing() {
        var id = bench.submitted(task());
        var claim = bench.claim(id);
        assertThat(used(claim)).isZero();

        bench.begin(claim);

        assertThat(used(claim)).isPositive().isLessThan(Duration.ofMinutes(1));
    }

    @Test
    void aRetryAndALossCountFromTheFirstAttempt() throws SQLException {
        var id = bench.submitted(task());
        bench.end(id, AT_ONCE);
        agoBy(Duration.ofHours(2));
        wake();
        var lost = bench.claim(id);
        bench.begin(lost);
        lose(lost);

        assertThat(used(bench.claim(id))).isBetween(Duration.ofHours(2), Duration.ofHours(3));
    }

    @Test
    void theTotalBeginsAnewWhereTheTaskIsSentBackOrPutOff() throws SQLException {
        var id = bench.submitted(task());
        bench.end(id, FAIL);
        agoBy(Duration.ofHours(2));
        await(bench.calls.retry(TenantId.DEFAULT, id, Optional.empty()));
        var retried = bench.claim(id);
        assertThat(used(retried)).isZero();

        bench.end(retried, LATER);
        agoBy(Duration.ofHours(2));
        wake();

        assertThat(used(bench.claim(id))).isZero();
    }

    /** Its last attempt stands as ready also where nobody sent it back. */
    @Test
    void theTotalBeginsAnewWhereATaskThatWasLostIsCancelledAndSentBack() throws SQLException {
        var id = bench.submitted(task());
        var claim = bench.claim(id);
        bench.begin(claim);
        lose(claim);
        agoBy(Duration.ofHours(2));
        await(bench.calls.cancel(TenantId.DEFAULT, id, Optional.empty()));

        await(bench.calls.retry(TenantId.DEFAULT, id, Optional.empty()));

        assertThat(used(bench.claim(id))).isZero();
    }

    /** Attempts that fail, snooze, are lost or handed back, and tasks that are cancelled or fail and are retried. */
    @Test
    void whateverHappenedItIsTheFirstAttemptSinceTheLastNewBeginning() {
        Seeded.forAll(12, random -> {
            var id = bench.submitted(task());
            var first = 0;
            var losses = 0;
            for (var step = 0; step < STEPS; step++) {
                var claim = bench.claim(id);
                var begins = random.nextInt(4) > 0;
                if (begins) {
                    bench.begin(claim);
                    first = first == 0 ? claim.attempt() : first;
                }
                assertThat(beganWith(id, claim.attempt())).as("step " + step).isEqualTo(first);
                switch (random.nextInt(losses < 2 ? 6 : 5)) {
                    case 0, 1 -> {
                        bench.end(claim, AT_ONCE);
                        first = first == 0 ? claim.attempt() : first;
                        wake();
                    }
                    case 2 -> {
                        bench.end(claim, LATER);
                        first = 0;
                        wake();
                    }
                    case 3 ->
                        await(bench.work.handBack(bench.node, List.of(new WorkRepository.Held(id, claim.fence()))));
                    case 4 -> {
                        endForGood(claim, random);
                        await(bench.calls.retry(TenantId.DEFAULT, id, Optional.empty()));
                        first = 0;
                        losses = 0;
                    }
                    default -> {
                        lose(claim);
                        losses += begins ? 1 : 0;
                    }
                }
            }
            bench.end(id, TaskBench.SUCCEED);
        });
    }

    private void endForGood(Claim claim, RandomGenerator random) {
        if (random.nextBoolean()) {
            bench.end(claim, FAIL);
            return;
        }
        await(bench.calls.cancel(TenantId.DEFAULT, claim.id(), Optional.empty()));
        bench.end(claim, new Verdict.Cancel());
    }

    private void lose(Claim claim) {
        bench.text("SELECT give_back('%s', ARRAY[%d], NULL, 'lost')::text".formatted(bench.node, claim.fence()));
    }

    private void agoBy(Duration time) throws SQLException {
        bench.execute(
                "UPDATE task_attempts SET started_at = started_at - interval '%d seconds'".formatted(time.toSeconds()));
    }

    private void wake() {
        until("it is woken", () -> await(bench.work.wakeDue(10)).count() > 0);
    }

    private Duration used(Claim claim) {
        return await(bench.work.totalUsed(claim.id(), claim.attempt()));
    }

    /** The number of the attempt with which the total began that counts for this one; 0 where none has begun. */
    private int beganWith(TaskInstanceId id, int attempt) {
        return Integer.parseInt(bench.text(
                "SELECT coalesce((SELECT attempt FROM task_attempts WHERE task_id = '%s' AND started_at = total_began('%s', %d::smallint)), 0)"
                        .formatted(id, id, attempt)));
    }
}
