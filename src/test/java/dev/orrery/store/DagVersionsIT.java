package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.SqlConnection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DagVersionsIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private static final int CONNECTIONS = 4;

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private DagRepository dags;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), CONNECTIONS, 100);
        dags = new DagRepository(vertx, pools.api());
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void aVersionIsReadOnceAndThenAtHand() throws SQLException {
        var versions = new DagVersions(vertx, pools.api(), 1_000_000);
        var dag = publish("a", "b <- a", "c <- a");
        int row = rowOf(dag);

        var first = await(versions.version(row));
        execute("DELETE FROM dags");
        var hit = versions.version(row);

        assertThat(hit.succeeded()).isTrue();
        assertThat(hit.result()).isSameAs(first);
        assertThat(first.tenant()).isEqualTo(Tenant.DEFAULT);
        assertThat(first.definition().id()).isEqualTo(dag);
        assertThat(first.followers(1)).isEqualTo(2);
    }

    @Test
    void whoAsksWhileItIsReadGetsTheSameAnswer() throws SQLException {
        var versions = new DagVersions(vertx, pools.api(), 1_000_000);
        int row = rowOf(publish("a"));

        var first = versions.version(row);
        var second = versions.version(row);

        assertThat(second).isSameAs(first);
        await(first);
    }

    @Test
    void whoHasConnectionsOfHisOwnWaitsForNoReadingByOthersAndFindsWhatTheyHaveRead() throws SQLException {
        int row = rowOf(publish("a"));
        var versions = new DagVersions(vertx, pools.attempts(), 1_000_000);
        var asked = versions.by(pools.api());
        var taken = new ArrayList<SqlConnection>();
        for (var n = 0; n < CONNECTIONS; n++) {
            taken.add(await(pools.api().getConnection()));
        }

        var waiting = asked.version(row);
        var read = await(versions.version(row));

        assertThat(waiting.isComplete()).isFalse();
        assertThat(asked.version(row).result()).isSameAs(read);
        taken.forEach(SqlConnection::close);
        await(waiting);
    }

    @Test
    void anUnknownVersionFailsAndIsAskedForAgain() throws SQLException {
        var versions = new DagVersions(vertx, pools.api(), 1_000_000);
        assertThatThrownBy(() -> await(versions.version(1)))
                .isInstanceOfSatisfying(
                        OrreryException.class,
                        unknown -> assertThat(unknown.code()).isEqualTo(ErrorCode.DAG_NOT_FOUND));

        assertThat(rowOf(publish("a"))).isEqualTo(1);

        assertThat(await(versions.version(1)).taskCount()).isOne();
    }

    @Test
    void theLongestUnusedGoFirstAndTheLastUsedStays() throws SQLException {
        var rows = new ArrayList<Integer>();
        for (var n = 0; n < 4; n++) {
            rows.add(rowOf(publish("a", "b", "c")));
        }
        var one = new DagVersions(vertx, pools.api(), 1_000_000);
        await(one.version(rows.getFirst()));
        var versions = new DagVersions(vertx, pools.api(), one.keptBytes() * 2 + 10);

        for (var row : rows.subList(0, 2)) {
            await(versions.version(row));
        }
        await(versions.version(rows.get(0)));
        await(versions.version(rows.get(2)));

        assertThat(versions.version(rows.get(0)).isComplete()).isTrue();
        assertThat(versions.version(rows.get(2)).isComplete()).isTrue();
        assertThat(versions.version(rows.get(1)).isComplete()).isFalse();
        var tiny = new DagVersions(vertx, pools.api(), 1);
        await(tiny.version(rows.get(3)));
        assertThat(tiny.version(rows.get(3)).isComplete()).isTrue();
    }

    private DagId publish(String... lines) {
        var id = new DagId(IDS.next(System.currentTimeMillis()));
        var draft = new DagDraft(
                Optional.of("dag-" + id),
                Optional.empty(),
                Graphs.tasks(lines),
                Optional.empty(),
                DagDraft.DEFAULT_TIMEZONE);
        await(dags.create(TenantId.DEFAULT, id, DagPublication.of(draft, ""), Optional.empty()));
        return id;
    }

    private int rowOf(DagId dag) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT id FROM dag_versions WHERE dag_id = '" + dag + "'")) {
            rows.next();
            return rows.getInt(1);
        }
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
