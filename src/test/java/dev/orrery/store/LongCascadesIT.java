package dev.orrery.store;

import static dev.orrery.store.TaskBench.FAIL;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.store.TaskBench.Draft;
import dev.orrery.testing.Await;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Cascades over more tasks than one transaction does, at the size that nodes use, and with processes that die between the steps. */
class LongCascadesIT {

    private static final int TASKS = 25_000;
    private static final int STEP = 10_000;
    private static final int BATCH = 5_000;

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
    void aTreeIsCancelledToItsLastLeafThoughAProcessDiesInAStep() throws SQLException {
        var root = bench.submitted(task());
        var children = many(TASKS - BATCH, () -> task().under(root));
        var leaves = many(BATCH, () -> task().under(children.getLast()));
        var outside = bench.submitted(task());
        bench.execute(
                "ANALYZE"); // What the planner knows of 25,000 tasks must not lead it to read all of them for each.

        await(bench.calls.cancel(TenantId.DEFAULT, root, Optional.empty()));
        assertThat(tasksOpen()).as("the first step").isEqualTo(TASKS + 1 - STEP);
        dieInAStep();
        assertThat(tasksOpen()).as("nothing of the step that died").isEqualTo(TASKS + 1 - STEP);
        var steps = bench.continueCascades();

        assertThat(steps).isBetween(2, 4);
        assertThat(bench.state(outside)).isEqualTo("ready");
        assertThat(tasksOpen()).isEqualTo(1);
        assertThat(bench.error(leaves.getLast()))
                .isEqualTo("cancelled_with_parent: task " + children.getLast() + " was cancelled");
        assertThat(TaskInvariants.violations(bench.database)).isEmpty();
    }

    @Test
    void whatWaitsForAFailedTaskIsCancelledToTheLastAndRevivedThoughProcessesDieInSteps() throws SQLException {
        var root = bench.submitted(task());
        var waiting = many(TASKS - BATCH, () -> task().after(root));
        var behind = many(BATCH, () -> task().after(waiting.get(STEP + 1)));
        bench.execute("ANALYZE");

        bench.end(root, FAIL);
        assertThat(tasksOpen()).as("the first step").isEqualTo(TASKS - STEP);
        dieInAStep();
        assertThat(tasksOpen()).as("nothing of the step that died").isEqualTo(TASKS - STEP);
        assertThat(bench.continueCascades()).isBetween(2, 6);

        assertThat(tasksOpen()).isZero();
        assertThat(bench.error(behind.getLast()))
                .isEqualTo("prerequisite_failed: task " + waiting.get(STEP + 1) + " did not succeed");
        assertThat(TaskInvariants.violations(bench.database)).isEmpty();

        await(bench.calls.retry(TenantId.DEFAULT, root, Optional.empty()));
        assertThat(tasksOpen()).as("the first step").isEqualTo(STEP + 1);
        dieInAStep();
        assertThat(tasksOpen()).as("nothing of the step that died").isEqualTo(STEP + 1);
        assertThat(bench.continueCascades()).isBetween(2, 6);

        assertThat(tasksOpen()).isEqualTo(TASKS + 1);
        assertThat(bench.text("SELECT count(*) FROM task_wait")).isEqualTo(String.valueOf(TASKS));
        assertThat(TaskInvariants.violations(bench.database)).isEmpty();
        bench.end(root, TaskBench.SUCCEED);
        assertThat(bench.text("SELECT count(*) FROM task_ready")).isEqualTo(String.valueOf(TASKS - BATCH));
    }

    /** A process with connections of its own begins a step, and is gone before it has ended it. */
    private void dieInAStep() throws SQLException {
        var dying = Pools.open(bench.vertx, bench.database.connectOptions(), 1, 1);
        var calls = new TaskCallRepository(bench.vertx, dying.hot(), SingleTaskRepository.Limits.USUAL);
        try (var other = bench.database.connect();
                var statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SELECT hold_slots(NULL, true)");
            var step = calls.continueCascades().map("done").otherwise("dead");
            Await.until("the step waits", () -> !waiting().equals("0"));
            bench.text("SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a"
                    + " WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'");
            assertThat(await(step)).isEqualTo("dead");
            other.rollback();
        }
        await(dying.close());
    }

    private String waiting() {
        return bench.text("SELECT count(*) FROM pg_stat_activity a"
                + " WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'");
    }

    private int tasksOpen() {
        return Integer.parseInt(
                bench.text("SELECT (SELECT count(*) FROM task_ready) + (SELECT count(*) FROM task_wait)"));
    }

    private List<TaskInstanceId> many(int count, Supplier<Draft> each) {
        var all = new ArrayList<TaskInstanceId>();
        while (all.size() < count) {
            all.addAll(bench.submitted(
                    IntStream.range(0, BATCH).mapToObj(_ -> each.get()).toArray(Draft[]::new)));
        }
        return all;
    }
}
