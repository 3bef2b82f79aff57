package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of the work of nodes that die. */
class LostNodesIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Connection connection;
    private Pools pools;
    private WorkRepository work;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        connection = database.connect();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        work = new WorkRepository(vertx, pools.hot());
    }

    @AfterEach
    void close() throws SQLException {
        await(pools.close());
        await(vertx.close());
        connection.close();
        database.close();
    }

    @Test
    void aTaskThatThreeNodesDiedOfIsSetAsideWithItsReasonAndWhatDependsOnItIsSkipped() throws SQLException {
        trigger("poison", "next <- poison", "other");
        claimAndEnd("other");

        for (var n = 1; n <= 2; n++) {
            assertThat(dieRunning(claim())).isEqualTo(1);
            assertThat(states()).isEqualTo("poison ready, next blocked, other succeeded");
        }
        dieRunning(claim());

        assertThat(states()).isEqualTo("poison failed, next skipped, other succeeded");
        assertThat(database.value("SELECT state FROM dag_runs")).isEqualTo("failed");
        assertThat(database.value("SELECT concat_ws(' ', outcome, attempt, error) FROM dead_letters"))
                .isEqualTo("lost 3 POISON: three nodes were lost while they ran this task, so it is not tried again");
        assertThat(database.value("SELECT string_agg(concat_ws(' ', outcome, state), ', ' ORDER BY attempt)"
                        + " FROM task_attempts WHERE task_no_of(task_id) = 1"))
                .isEqualTo("lost ready, lost ready, lost failed");
        assertThat(database.value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
    }

    @Test
    void whatOnlyWaitedOnNodesThatDiedIsNoPoison() throws SQLException {
        trigger("a");

        for (var n = 1; n <= 5; n++) {
            die(claim().node());
        }

        assertThat(states()).isEqualTo("a ready");
        assertThat(database.value(
                        "SELECT string_agg(concat_ws(' ', outcome, state, started_at, error), ', ') FROM task_attempts"
                                + " WHERE attempt > 4"))
                .isEqualTo("lost ready its node was lost; whether it had begun is not known");
        assertThat(claim().claim().attempt())
                .as("it may have begun, so no number is given twice")
                .isEqualTo(6);
    }

    @Test
    void handingBackIsNotDying() throws SQLException {
        trigger("a");

        for (var n = 1; n <= 4; n++) {
            var held = claim();
            report(held, Optional.empty());
            await(work.handBack(held.node(), List.of(held(held))));
        }

        assertThat(states()).isEqualTo("a ready");
        assertThat(database.value("SELECT count(*) FROM dead_letters")).isEqualTo("0");
    }

    @Test
    void aFailureBetweenTheLossesChangesNothing() throws SQLException {
        trigger("a");
        dieRunning(claim());
        dieRunning(claim());
        var held = claim();
        report(held, Optional.of(new Verdict.Retry(Duration.ofMillis(1), "it broke", false)));
        assertThat(states()).isEqualTo("a retrying");
        execute("UPDATE task_timers SET due_at = now() - interval '1 second'");
        await(work.wakeDue(10));

        dieRunning(claim());

        assertThat(states()).isEqualTo("a failed");
    }

    @Test
    void aCancelledTaskOfADeadNodeEndsCancelledWhateverDiedOfIt() throws SQLException {
        var run = trigger("a");
        dieRunning(claim());
        dieRunning(claim());
        var held = claim();
        report(held, Optional.empty());
        await(work.cancel(TenantId.DEFAULT, run, Optional.empty()));

        die(held.node());

        assertThat(states()).isEqualTo("a cancelled");
        assertThat(database.value("SELECT state FROM dag_runs")).isEqualTo("cancelled");
    }

    @Test
    void whatIsKeptFarBeyondItsTimeoutIsTakenThoughItsNodeLives() throws SQLException {
        trigger("late", "timely");
        var late = claim();
        report(late, Optional.empty());
        var timely = claim();
        report(timely, Optional.empty());
        // Both have a timeout of half an hour.
        execute("UPDATE claim_batches SET claimed_at = now() - interval '1 hour'");
        execute("UPDATE task_attempts SET started_at = now() - interval '32 minutes' WHERE task_no_of(task_id) = 1");
        execute("UPDATE task_attempts SET started_at = now() - interval '30 minutes' WHERE task_no_of(task_id) = 2");

        var takenBack = NodeRepository.takeBackOverdue(connection, Duration.ofMinutes(1));

        assertThat(takenBack.batches()).isEqualTo(1);
        assertThat(takenBack.readyQueues()).containsExactly("default");
        assertThat(states()).isEqualTo("late ready, timely running");
        assertThat(report(late, Optional.of(new Verdict.Succeed(Json.NULL))))
                .as("its result comes too late")
                .isFalse();
        assertThat(report(timely, Optional.of(new Verdict.Succeed(Json.NULL)))).isTrue();
    }

    private record Holding(NodeId node, Claim claim) {}

    private RunId trigger(String... tasks) throws SQLException {
        var run = new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                TenantId.DEFAULT,
                Graphs.publish(database, Graphs.tasks(tasks)),
                Trigger.API,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        await(work.createRuns(List.of(run)));
        execute("UPDATE dag_tasks SET timeout_ms = 1800000");
        return run.id();
    }

    /** By a new node. */
    private Holding claim() throws SQLException {
        var node = new NodeId(IDS.next(System.currentTimeMillis()));
        NodeRepository.register(connection, new Registration(node, "n", 1, "cluster", "x"));
        var claims = await(work.commitAndClaim(node, List.of(), List.of("default"), 1))
                .claims();
        return new Holding(node, claims.getFirst());
    }

    private void claimAndEnd(String task) throws SQLException {
        execute("UPDATE task_ready r SET latest_start = now() - interval '1 hour' FROM task_instances i"
                + " WHERE i.id = r.id AND i.task_id = '" + task + "'");
        report(claim(), Optional.of(new Verdict.Succeed(Json.NULL)));
    }

    private boolean report(Holding held, Optional<Verdict> verdict) {
        var claim = held.claim();
        var report = new AttemptReport(
                claim.id(), claim.versionId(), claim.attempt(), claim.fence(), 1, verdict, Optional.of(Duration.ZERO));
        return await(work.commitAndClaim(held.node(), List.of(report), List.of(), 0))
                .accepted()
                .contains(claim.id());
    }

    private static WorkRepository.Held held(Holding holding) {
        return new WorkRepository.Held(holding.claim().id(), holding.claim().fence());
    }

    private int dieRunning(Holding held) throws SQLException {
        report(held, Optional.empty());
        return die(held.node());
    }

    private int die(NodeId node) throws SQLException {
        assertThat(NodeRepository.fence(connection, node, 0)).isTrue();
        return NodeRepository.takeBackOrphans(connection).batches();
    }

    private String states() {
        return database.value("SELECT string_agg(task_id || ' ' || state, ', ' ORDER BY id) FROM task_states");
    }

    private void execute(String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
