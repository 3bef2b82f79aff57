package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.WorkRepository.Exchange;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A database with a node that claims tasks of runs; after each test the rows must agree. */
abstract class ClaimsTestBase {

    static final IdSequence IDS = new IdSequence(System.nanoTime());
    static final Verdict SUCCEED = new Verdict.Succeed(Json.NULL);

    final Vertx vertx = Vertx.vertx();
    TestDatabase database;
    Pools pools;
    WorkRepository work;
    NodeId node;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 8, 100);
        work = new WorkRepository(vertx, pools.hot());
        node = aNode();
    }

    @AfterEach
    void close() throws SQLException {
        try (var connection = database.connect()) {
            assertThat(violations(connection)).isEmpty();
        }
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    /** Which rows do not agree. */
    List<String> violations(Connection connection) throws SQLException {
        return WorkInvariants.violations(connection);
    }

    final NodeId aNode() throws SQLException {
        var id = new NodeId(IDS.next(System.currentTimeMillis()));
        execute("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('%s', 'n', 1, 'standalone', 'x')"
                .formatted(id));
        return id;
    }

    static TaskDefinition in(String queue, TaskDefinition task) {
        return new TaskDefinition(
                task.id(),
                task.name(),
                task.type(),
                task.timeout(),
                task.retry(),
                task.dependencies(),
                task.priority(),
                queue,
                task.lock());
    }

    final DagId publish(TaskDefinition... tasks) throws SQLException {
        return Graphs.publish(database, List.of(tasks), Optional.empty());
    }

    final RunId create(DagId dag) {
        var run = new RunId(IDS.next(System.currentTimeMillis()));
        assertThat(await(work.createRuns(List.of(new NewRun(
                        run,
                        TenantId.DEFAULT,
                        dag,
                        Trigger.API,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty())))))
                .hasOnlyElementsOfType(NewRun.Result.Created.class);
        return run;
    }

    final Exchange claim(int limit, String... queues) {
        return await(
                work.commitAndClaim(node, List.of(), queues.length == 0 ? List.of("default") : List.of(queues), limit));
    }

    /** Ends it well and claims in the same exchange. */
    final Exchange end(Claim claim, int limit) {
        return await(work.commitAndClaim(node, List.of(ended(claim, SUCCEED)), List.of("default"), limit));
    }

    static AttemptReport ended(Claim claim, Verdict verdict) {
        return new AttemptReport(
                claim.id(),
                claim.versionId(),
                claim.attempt(),
                claim.fence(),
                1,
                Optional.of(verdict),
                Optional.of(Duration.ofMillis(1)));
    }

    final List<String> names(Exchange exchange) throws SQLException {
        var names = new ArrayList<String>();
        for (var claim : exchange.claims()) {
            names.add(database.value(
                    "SELECT coalesce(task_id, name) FROM task_instances WHERE id = '" + claim.id() + "'"));
        }
        return names;
    }

    final int count(String from) throws SQLException {
        return Integer.parseInt(database.value("SELECT count(*) FROM " + from));
    }

    final void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
