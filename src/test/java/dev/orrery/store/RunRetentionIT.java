package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RunRetentionIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final Duration A_WEEK = Duration.ofDays(7);

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private DagRunRepository runs;
    private DagId dag;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 6, 200);
        runs = new DagRunRepository(vertx, pools.api());
        dag = Graphs.publish(database, Graphs.tasks("a", "b"));
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void onlyRunsThatEndedLongAgoAreDeletedWithAllThatIsTheirs() {
        for (var state : List.of("succeeded", "failed", "cancelled")) {
            ended(aRun(), state, "8 days", "7 days 1 minute");
        }
        var endedLate = ended(aRun(), "succeeded", "8 days", "6 days 23 hours");
        var active = aRun();
        database.value(
                "UPDATE dag_runs SET created_at = now() - interval '1 year' WHERE id = '" + active + "' RETURNING id");

        assertThat(await(runs.purgeOld(A_WEEK, 1_000, 0))).isFalse();

        assertThat(left()).isEqualTo(active + " " + endedLate);
        assertThat(database.value("SELECT count(*) FROM task_instances")).isEqualTo("4");
    }

    @Test
    void theOldestGoFirstAndNoMoreThanABiteAtOnce() {
        var newer = ended(aRun(), "succeeded", "8 days", "8 days");
        for (var n = 0; n < 4; n++) {
            ended(aRun(), "succeeded", "9 days", "9 days");
        }

        assertThat(await(runs.purgeOld(A_WEEK, 3, 0))).isTrue();
        assertThat(left().split(" ")).hasSize(3);
        assertThat(await(runs.purgeOld(A_WEEK, 4, 0))).isTrue();

        assertThat(left()).isEqualTo(newer.toString());
        assertThat(await(runs.purgeOld(A_WEEK, 3, 0))).isFalse();
        assertThat(left()).isEmpty();
    }

    @Test
    void whoNoLongerLeadsDeletesNothing() {
        var run = ended(aRun(), "succeeded", "8 days", "8 days");

        assertThatThrownBy(() -> await(runs.purgeOld(A_WEEK, 3, 1))).hasMessageContaining("epoch 1 is over");

        assertThat(left()).isEqualTo(run.toString());
    }

    @Test
    void aBiteEndsSoonHoweverMuchThereIsSinceTheNextLeaderWouldWaitForIt() throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(
                    "INSERT INTO dag_runs (id, tenant_id, dag_id, version_id, dag_version, triggered_by, remaining, state,"
                            + " created_at, completed_at)"
                            + " SELECT ('01000000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-000000000000')::uuid, 1, '"
                            + dag
                            + "', (SELECT max(id) FROM dag_versions), 1, 'api', 0, 'succeeded', now() - interval '9 days',"
                            + " now() - interval '9 days' FROM generate_series(1, " + MANY + ") n");
        }
        var begun = System.nanoTime();

        assertThat(await(runs.purgeOld(A_WEEK, 10 * MANY, 0))).isTrue();

        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(4));
        assertThat(Integer.parseInt(database.value("SELECT count(*) FROM dag_runs")))
                .isBetween(1, MANY - 1);
    }

    /** For which a server needs many seconds. */
    private static final int MANY = 60_000;

    /** The runs there are, oldest first. */
    private String left() {
        return database.value("SELECT coalesce(string_agg(id::text, ' ' ORDER BY created_at), '') FROM dag_runs");
    }

    private RunId aRun() {
        var run = new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                TenantId.DEFAULT,
                dag,
                Trigger.API,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        await(new WorkRepository(vertx, pools.hot()).createRuns(List.of(run)));
        return run.id();
    }

    /** As a run stands that has ended, without what its tasks left. */
    private RunId ended(RunId run, String state, String created, String completed) {
        database.value("""
                UPDATE dag_runs SET state = '%s', remaining = 0, created_at = now() - interval '%s',
                    completed_at = now() - interval '%s'
                WHERE id = '%s' RETURNING id
                """.formatted(state, created, completed, run));
        return run;
    }
}
