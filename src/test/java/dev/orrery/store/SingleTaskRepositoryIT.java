package dev.orrery.store;

import static dev.orrery.store.TaskBench.FAIL;
import static dev.orrery.store.TaskBench.SUCCEED;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.Verdict;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Single tasks from their submission to their end: released, put off, tried again, given up. */
class SingleTaskRepositoryIT {

    private TaskBench bench;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(new SingleTaskRepository.Limits(3, 4));
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void aTaskThatWaitsForNothingIsReadyAndClaimedWithAllThatItIs() {
        var id = bench.submitted(task().input("{\"n\":1}"));

        var claim = bench.claimOne();

        assertThat(claim.id()).isEqualTo(id);
        assertThat(id.isSingle()).isTrue();
        var single = claim.single().orElseThrow();
        assertThat(single.definition().type()).isEqualTo(new TaskType.FunctionCall("noop"));
        assertThat(single.definition().id()).isEqualTo(new TaskId(id.toString()));
        assertThat(claim.input()).contains(new Json("{\"n\":1}"));
        assertThat(single.tenant().name()).isEqualTo("default");
    }

    @Test
    void aLargeInputIsNotCarriedByTheClaim() {
        bench.submitted(task().input("\"" + random(10_000) + "\""));

        assertThat(bench.claimOne().input()).isEmpty();
    }

    @Test
    void aHandlerBehindOthersIsClaimedWithItsInputAsWell() {
        bench.submitted(task(), task().after(1).input("7"));
        bench.end(bench.claimOne(), SUCCEED);

        assertThat(bench.claimOne().input()).contains(new Json("7"));
    }

    @Test
    void aTaskIsReleasedInTheCommitThatEndsTheLastOfItsPrerequisites() {
        var ids = bench.submitted(task(), task(), task().after(1, 2));
        assertThat(bench.state(ids.get(2))).isEqualTo("blocked");

        bench.end(bench.claimOne(), SUCCEED);
        assertThat(bench.state(ids.get(2))).isEqualTo("blocked");
        bench.end(bench.claimOne(), SUCCEED);

        assertThat(bench.state(ids.get(2))).isEqualTo("ready");
        assertThat(bench.claimOne().id()).isEqualTo(ids.get(2));
    }

    @Test
    void prerequisitesThatEndInOneBatchAreCountedEach() {
        var ids = bench.submitted(task(), task(), task(), task().after(1, 2, 3));

        bench.end(bench.claim(3), SUCCEED);

        assertThat(bench.state(ids.get(3))).isEqualTo("ready");
    }

    @Test
    void aTaskMayWaitForOnesThatWereThereBefore() {
        var first = bench.submitted(task());
        var second = bench.submitted(task().after(first));
        assertThat(bench.state(second)).isEqualTo("blocked");

        bench.end(bench.claimOne(), SUCCEED);
        var third = bench.submitted(task().after(first, second));

        assertThat(bench.state(second)).isEqualTo("ready");
        bench.end(bench.claimOne(), SUCCEED);
        assertThat(bench.state(third)).isEqualTo("ready");
    }

    @Test
    void whatWaitsForOneThatFailsIsCancelledAndAllBehindIt() {
        var ids = bench.submitted(task(), task().after(1), task().after(2), task());

        bench.end(bench.claim(ids.get(0)), FAIL);

        assertThat(ids.stream().map(bench::state)).containsExactly("failed", "cancelled", "cancelled", "ready");
        assertThat(bench.text("SELECT error FROM task_attempts WHERE task_id = '%s'".formatted(ids.get(1))))
                .isEqualTo("prerequisite_failed: task " + ids.get(0) + " did not succeed");
        assertThat(bench.text("SELECT count(*)::text FROM dead_letters WHERE task_id = '%s'".formatted(ids.get(0))))
                .isEqualTo("1");
    }

    @Test
    void aTaskWithATimeIsPendingUntilThenAndReadyAfterIt() throws SQLException {
        var id = bench.submitted(task().notBefore(Instant.now().plusSeconds(3600)));
        assertThat(bench.state(id)).isEqualTo("pending");
        assertThat(bench.claim(1)).isEmpty();

        bench.execute("UPDATE task_timers SET due_at = now() - interval '1 second'");
        await(bench.work.wakeDue(10));

        assertThat(bench.claimOne().id()).isEqualTo(id);
    }

    @Test
    void aTaskWithATimeThatIsReleasedBeforeItWaitsForIt() {
        var ids =
                bench.submitted(task(), task().after(1).notBefore(Instant.now().plusSeconds(3600)));

        bench.end(bench.claimOne(), SUCCEED);

        assertThat(bench.state(ids.get(1))).isEqualTo("pending");
    }

    @Test
    void aRetryKeepsWhatTheTaskIs() throws SQLException {
        var id = bench.submitted(task());
        bench.end(bench.claimOne(), new Verdict.Retry(Duration.ofSeconds(5), "again", false));
        assertThat(bench.state(id)).isEqualTo("retrying");

        bench.execute("UPDATE task_timers SET due_at = now() - interval '1 second'");
        await(bench.work.wakeDue(10));
        var second = bench.claimOne();

        assertThat(second.attempt()).isEqualTo(2);
        assertThat(second.single()).isPresent();
        bench.end(second, SUCCEED);
        assertThat(bench.state(id)).isEqualTo("succeeded");
    }

    @Test
    void claimsOfANodeThatIsLostAreReadyAgain() {
        var id = bench.submitted(task());
        var claim = bench.claimOne();

        await(bench.work.handBack(bench.node, List.of(new WorkRepository.Held(id, claim.fence()))));

        assertThat(bench.claimOne().attempt()).isEqualTo(1);
    }

    @Test
    void aTaskThatRanOnThreeLostNodesFailsAndWhatWaitsForItIsCancelled() {
        var ids = bench.submitted(task(), task().after(1));

        for (var round = 1; round <= 3; round++) {
            var claim = bench.claimOne();
            assertThat(claim.attempt()).isEqualTo(round);
            var start = new AttemptReport(
                    claim.id(),
                    claim.versionId(),
                    round,
                    claim.fence(),
                    1,
                    Optional.empty(),
                    Optional.of(Duration.ZERO));
            await(bench.work.commitAndClaim(bench.node, List.of(start), List.of(), 0));
            assertThat(bench.state(ids.get(0))).isEqualTo("running");
            bench.text("SELECT give_back('%s', ARRAY[%d::bigint], NULL, 'lost')".formatted(bench.node, claim.fence()));
        }

        assertThat(ids.stream().map(bench::state)).containsExactly("failed", "cancelled");
        assertThat(bench.text("SELECT error FROM dead_letters")).startsWith("POISON");
        assertThat(bench.text("SELECT count(*)::text FROM claim_batches")).isEqualTo("0");
    }

    @Test
    void lostNodesAreNotChargedToTheRetryPolicyAndFailuresAre() throws SQLException {
        var id = bench.submitted(task());

        lose(bench.claimOne());
        var second = bench.claimOne();
        assertThat(second.attempt()).isEqualTo(2);
        assertThat(second.failures()).isZero();
        bench.end(second, new Verdict.Retry(Duration.ofSeconds(5), "again", false));
        bench.execute("UPDATE task_timers SET due_at = now() - interval '1 second'");
        await(bench.work.wakeDue(10));
        lose(bench.claimOne());
        var fourth = bench.claimOne();

        assertThat(fourth.attempt()).isEqualTo(4);
        assertThat(fourth.failures())
                .as("one failure, and two nodes that were lost")
                .isEqualTo(1);
        assertThat(bench.state(id)).isEqualTo("queued");
    }

    /** The node dies after it has begun the task. */
    private void lose(Claim claim) {
        var start = new AttemptReport(
                claim.id(),
                claim.versionId(),
                claim.attempt(),
                claim.fence(),
                1,
                Optional.empty(),
                Optional.of(Duration.ZERO));
        await(bench.work.commitAndClaim(bench.node, List.of(start), List.of(), 0));
        bench.text("SELECT give_back('%s', ARRAY[%d::bigint], NULL, 'lost')".formatted(bench.node, claim.fence()));
    }

    @Test
    void tasksOfRunsAndSingleOnesEndInOneCommit() throws SQLException {
        var singles = bench.submitted(task(), task().after(1));
        var claim = bench.claimOne();

        bench.end(claim, SUCCEED);

        assertThat(bench.state(singles.get(1))).isEqualTo("ready");
        assertThat(bench.text("SELECT count(*)::text FROM claim_batches")).isEqualTo("0");
    }

    private static String random(int length) {
        var text = new StringBuilder();
        while (text.length() < length) {
            text.append(UUID.randomUUID());
        }
        return text.toString();
    }
}
