package dev.orrery.store;

import static dev.orrery.store.TaskBench.FAIL;
import static dev.orrery.store.TaskBench.SUCCEED;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.TenantId;
import dev.orrery.store.SubmissionResult.Refused;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tasks that end only when their children have. */
class TaskFamiliesIT {

    private static final TenantId TENANT = TenantId.DEFAULT;

    private TaskBench bench;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(new SingleTaskRepository.Limits(50, 10));
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void aTaskEndsWithTheLastOfItsChildrenAndIsWaitedForUntilThen() {
        var parent = bench.submitted(task().waitingForChildren());
        var behind = bench.submitted(task().after(parent));
        var claim = bench.claim(parent);
        var children = bench.submitted(task().under(parent), task().under(parent));

        bench.end(claim, SUCCEED);
        assertThat(bench.states(List.of(parent, behind))).containsExactly("blocked", "blocked");
        assertThat(bench.text("SELECT count(*)::text FROM claim_batches")).isEqualTo("0");
        assertThat(bench.text("SELECT output::text FROM task_outputs")).isEqualTo("{\"done\":true}");

        bench.end(children.get(0), SUCCEED);
        assertThat(bench.state(parent)).isEqualTo("blocked");
        bench.end(children.get(1), SUCCEED);

        assertThat(bench.states(List.of(parent, behind))).containsExactly("succeeded", "ready");
        assertNoParents();
    }

    @Test
    void aTaskWithoutOpenChildrenEndsAtOnce() {
        var parent = bench.submitted(task().waitingForChildren());
        bench.end(parent, SUCCEED);

        assertThat(bench.state(parent)).isEqualTo("succeeded");
        assertNoParents();
    }

    @Test
    void aChildThatFailsFailsTheParentWhenTheLastHasEnded() {
        var ids = bench.submitted(task().waitingForChildren(), task().under(1), task().under(1), task().after(1));
        bench.end(ids.get(0), SUCCEED);
        bench.end(ids.get(1), FAIL);
        assertThat(bench.state(ids.get(0))).isEqualTo("blocked");

        bench.end(ids.get(2), SUCCEED);

        assertThat(bench.states(ids)).containsExactly("failed", "failed", "succeeded", "cancelled");
        assertThat(bench.error(ids.get(0))).startsWith("child_failed: ");
        assertThat(bench.text("SELECT count(*)::text FROM dead_letters")).isEqualTo("2");
        assertNoParents();
    }

    @Test
    void aChildThatHadFailedBeforeTheParentEndsFailsIt() {
        var ids = bench.submitted(task().waitingForChildren(), task().under(1));
        bench.end(ids.get(1), FAIL);
        bench.end(ids.get(0), SUCCEED);

        assertThat(bench.state(ids.get(0))).isEqualTo("failed");
    }

    @Test
    void aFailedParentIsRetriedAndItsOldChildrenFailItNoMore() {
        var ids = bench.submitted(task().waitingForChildren(), task().under(1));
        bench.end(ids.get(1), FAIL);
        bench.end(ids.get(0), SUCCEED);

        await(bench.calls.retry(TENANT, ids.get(0), Optional.empty()));
        var again = bench.claim(ids.get(0));
        var child = bench.submitted(task().under(ids.get(0)));
        bench.end(again, SUCCEED);
        assertThat(bench.state(ids.get(0))).isEqualTo("blocked");
        bench.end(child, SUCCEED);

        assertThat(bench.state(ids.get(0))).isEqualTo("succeeded");
    }

    @Test
    void aChildThatIsRetriedInTimeDoesNotFailTheParent() {
        var ids = bench.submitted(task().waitingForChildren(), task().under(1), task().under(1));
        bench.end(ids.get(0), SUCCEED);
        bench.end(ids.get(1), FAIL);

        await(bench.calls.retry(TENANT, ids.get(1), Optional.empty()));
        bench.end(ids.get(2), SUCCEED);
        assertThat(bench.state(ids.get(0))).isEqualTo("blocked");
        bench.end(ids.get(1), SUCCEED);

        assertThat(bench.state(ids.get(0))).isEqualTo("succeeded");
    }

    @Test
    void childrenHaveChildrenAndEachWaitsForItsOwn() {
        var ids = bench.submitted(
                task().waitingForChildren(), task().under(1).waitingForChildren(), task().under(2), task().after(1));
        bench.end(ids.get(0), SUCCEED);
        bench.end(ids.get(1), SUCCEED);
        assertThat(bench.states(ids)).containsExactly("blocked", "blocked", "ready", "blocked");

        bench.end(ids.get(2), SUCCEED);

        assertThat(bench.states(ids)).containsExactly("succeeded", "succeeded", "succeeded", "ready");
        assertNoParents();
    }

    @Test
    void aChildThatWouldWaitForItsParentIsRefused() {
        assertCycle(
                3, task().waitingForChildren(), task().after(1), task().under(1).after(2));
        assertCycle(
                3,
                task().waitingForChildren(),
                task().waitingForChildren(),
                task().under(1).after(2),
                task().under(2).after(1));
        assertCycle(
                2,
                task().waitingForChildren(),
                task().under(1).waitingForChildren(),
                task().after(1),
                task().under(2).after(3));
        var stored = bench.submitted(task().waitingForChildren(), task().after(1));
        assertCycle(1, task().under(stored.get(0)).after(stored.get(1)));
    }

    /** It waits for them again once it is retried, and what was cancelled with its failure comes back. */
    @Test
    void aChildThatWouldWaitForItsParentIsRefusedWhereTheParentHasFailed() {
        var parent = bench.submitted(task().waitingForChildren());
        var behind = bench.submitted(task().after(parent));
        var child = bench.submitted(task().under(parent));
        bench.end(parent, FAIL);

        for (var refused : List.of(
                bench.submit(task().under(parent).after(parent)),
                bench.submit(task().under(parent).after(behind)))) {
            assertThat(refused)
                    .isInstanceOfSatisfying(
                            Refused.class, refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.DEPENDENCY_CYCLE));
        }
        await(bench.calls.retry(TENANT, parent, Optional.empty()));
        bench.end(parent, SUCCEED);
        bench.end(child, SUCCEED);
        assertThat(bench.states(List.of(parent, behind))).containsExactly("succeeded", "ready");
    }

    @Test
    void childrenMayWaitForOneAnother() {
        var ids = bench.submitted(
                task().waitingForChildren(),
                task().under(1).waitingForChildren(),
                task().under(1).after(2),
                task(),
                task().under(2).after(4));

        assertThat(bench.states(ids)).containsExactly("ready", "ready", "blocked", "ready", "blocked");
    }

    private void assertCycle(int number, TaskBench.Draft... drafts) {
        assertThat(bench.submit(drafts)).isInstanceOfSatisfying(Refused.class, refused -> {
            assertThat(refused.code()).isEqualTo(ErrorCode.DEPENDENCY_CYCLE);
            assertThat(refused.task()).isEqualTo(number);
        });
    }

    @Test
    void aChildThatWaitsItselfIsWaitedForWhenBothEndInOneCommit() {
        var ids = bench.submitted(task().waitingForChildren(), task().under(1).waitingForChildren(), task().under(2));
        var claims = bench.claim(3);
        await(bench.work.commit(
                bench.node,
                claims.stream()
                        .filter(claim -> !claim.id().equals(ids.get(2)))
                        .map(claim -> TaskBench.report(claim, Optional.of(SUCCEED)))
                        .toList()));
        assertThat(bench.states(ids.subList(0, 2))).containsExactly("blocked", "blocked");

        claims.stream().filter(claim -> claim.id().equals(ids.get(2))).forEach(claim -> bench.end(claim, SUCCEED));

        assertThat(bench.states(ids)).containsOnly("succeeded");
        assertNoParents();
    }

    @Test
    void aChildThatComesWhileItsParentWaitsIsWaitedForToo() {
        var ids = bench.submitted(task().waitingForChildren(), task().under(1));
        bench.end(ids.get(0), SUCCEED);
        var late = bench.submitted(task().under(ids.get(0)));
        bench.end(ids.get(1), SUCCEED);
        assertThat(bench.state(ids.get(0))).isEqualTo("blocked");

        bench.end(late, SUCCEED);

        assertThat(bench.state(ids.get(0))).isEqualTo("succeeded");
    }

    @Test
    void aCancelEndsOneThatWaitsForItsChildrenWithThem() {
        var ids = bench.submitted(task().waitingForChildren(), task().under(1), task().after(1));
        bench.end(ids.get(0), SUCCEED);

        await(bench.calls.cancel(TENANT, ids.get(0), Optional.empty()));

        assertThat(bench.states(ids)).containsExactly("cancelled", "cancelled", "cancelled");
        assertNoParents();
    }

    @Test
    void childrenThatAreCancelledInACascadeEndTheirParent() {
        var ids = bench.submitted(
                task().waitingForChildren(),
                task(),
                task().after(2).under(1),
                task().after(3).under(1));
        bench.end(ids.get(0), SUCCEED);
        assertThat(bench.state(ids.get(0))).isEqualTo("blocked");

        bench.end(ids.get(1), FAIL);

        assertThat(bench.states(ids)).containsExactly("failed", "failed", "cancelled", "cancelled");
        assertNoParents();
    }

    @Test
    void aParentAndItsLastChildThatEndAtOnceMissEachOtherNever() {
        for (var round = 0; round < 60; round++) {
            var ids = bench.submitted(task().waitingForChildren(), task().under(1), task().under(1));
            var claims = bench.claim(3);
            assertThat(claims).hasSize(3);
            var ends = claims.stream()
                    .map(claim -> bench.work.commit(bench.node, List.of(TaskBench.report(claim, Optional.of(SUCCEED)))))
                    .toList();
            ends.forEach(end -> await(end));

            assertThat(bench.states(ids)).as("round %d", round).containsOnly("succeeded");
        }
        assertNoParents();
    }

    private void assertNoParents() {
        assertThat(bench.text("SELECT count(*)::text FROM task_parents")).isEqualTo("0");
    }
}
