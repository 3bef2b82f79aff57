package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bench.ClaimCosts;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Claims stay cheap while somebody looks at an old state of the database, and none of the ready tasks is lost by it. */
class ReadyGenerationsIT extends ClaimsTestBase {

    private static final int BATCH = 100;
    private static final int MUCH = 3_000;

    @Test
    void underAnOldSnapshotAClaimTouchesAtMostTwiceThePages() throws SQLException {
        try (var connection = database.connect();
                var _ = oldSnapshot()) {
            var costs = new ClaimCosts(connection);
            costs.add(1_000);
            var fresh = costs.claim(BATCH, 3).pages();

            for (var round = 0; round < 10; round++) {
                costs.add(MUCH);
                costs.drain(MUCH, 1_000);
                settle();
            }

            assertThat(costs.claim(BATCH, 3).pages()).isLessThanOrEqualTo(2 * fresh);
            assertThat(count("task_ready")).isEqualTo(1_000);
        }
    }

    @Test
    void aLongBacklogStaysWhereItIsAndIsClaimedInItsOrder() throws SQLException {
        try (var connection = database.connect()) {
            var costs = new ClaimCosts(connection);
            costs.add(MUCH);
            turn(3);
            costs.add(MUCH);
            turn(3);
            assertThat(generations())
                    .as("what is left in one moves to the other")
                    .containsExactly("1 default", "3 ");

            var order = new ArrayList<String>();
            for (var ids = claimed(500); !ids.isEmpty(); ids = claimed(500)) {
                order.addAll(ids);
                await(work.turnGenerations(List.of("default")));
            }

            assertThat(order).hasSize(2 * MUCH).doesNotHaveDuplicates();
            assertThat(order).isEqualTo(inOrderOfLatestStart(order));
            assertThat(generations()).as("of what is over none is kept").hasSize(1);
        }
    }

    @Test
    void whatIsMoreUrgentThanABacklogIsFirstAlsoWhenItMovesThere() throws SQLException {
        try (var connection = database.connect()) {
            var costs = new ClaimCosts(connection);
            costs.add(MUCH);
            turn(3);
            costs.add(2);
            execute("UPDATE task_ready SET latest_start = latest_start - interval '1 hour' WHERE generation = 2");
            var urgent = database.value("SELECT string_agg(id::text, ',' ORDER BY latest_start, id) FROM task_ready"
                    + " WHERE generation = 2");

            turn(4);

            assertThat(generations()).containsExactly("1 default", "3 ");
            assertThat(String.join(",", claimed(2))).isEqualTo(urgent);
        }
    }

    @Test
    void whatATransactionWritesToAnOldGenerationIsFoundWhenItCommits() throws SQLException {
        try (var late = database.connect()) {
            late.setAutoCommit(false);
            new ClaimCosts(late).add(2);

            ReadyGenerations.turn(database, work, 5);
            assertThat(generations()).as("it may still be written to").containsExactly("1 ", "2 ");
            late.commit();

            assertThat(await(work.readyQueues(List.of("default")))).containsExactly("default");
            turnOnly(1);
            assertThat(database.value("SELECT string_agg(DISTINCT generation::text, ',') FROM task_ready"))
                    .isEqualTo("2");
            turnOnly(1);
            assertThat(generations()).contains("2 ").doesNotContain("1 ", "1 default");
            assertThat(claimed(10)).hasSize(2);
        }
    }

    @Test
    void whatSomebodyHoldsMovesWhenItIsFree() throws SQLException {
        try (var holding = database.connect();
                var connection = database.connect()) {
            new ClaimCosts(connection).add(3);
            holding.setAutoCommit(false);
            try (var statement = holding.createStatement()) {
                statement.execute("SELECT id FROM task_ready ORDER BY id LIMIT 1 FOR UPDATE");
            }

            turn(3);
            assertThat(generations()).containsExactly("1 default", "2 ");
            assertThat(count("task_ready WHERE generation = 2")).isEqualTo(2);
            holding.rollback();

            assertThat(await(work.turnGenerations(List.of("default"))).movedQueues())
                    .containsExactly("default");
            turnOnly(1);
            assertThat(generations()).containsExactly("2 ");
            assertThat(claimed(10)).hasSize(3);
        }
    }

    @Test
    void aGenerationThatADumpHasOnlyInTheSequenceIsFound() throws SQLException {
        execute("SELECT setval('ready_generation_seq', 7)");
        try (var connection = database.connect()) {
            new ClaimCosts(connection).add(1);
        }
        turnOnly(1);

        assertThat(claimed(10)).hasSize(1);
    }

    /** Tasks of all priorities come and go at the head of a long queue, so that in no generation all are claimed. */
    @Test
    void aBacklogDoesNotMakeClaimsCostlyEither() throws SQLException {
        try (var connection = database.connect();
                var _ = oldSnapshot()) {
            var costs = new ClaimCosts(connection);
            costs.add(1_000);
            var few = costs.claim(BATCH, 3).pages();
            costs.add(20_000);

            for (var round = 0; round < 12; round++) {
                costs.add(MUCH);
                costs.drain(MUCH, 1_000);
                settle();
                assertThat(generations()).hasSizeLessThanOrEqualTo(2);
            }

            assertThat(costs.claim(BATCH, 3).pages()).isLessThanOrEqualTo(2 * few);
            assertThat(count("task_ready")).isEqualTo(21_000);
        }
    }

    /** The tasks come without their history here, and are claimed without their ends. */
    @Override
    List<String> violations(Connection connection) {
        return List.of();
    }

    private Connection oldSnapshot() throws SQLException {
        var connection = database.connect();
        connection.setAutoCommit(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        try (var statement = connection.createStatement()) {
            statement.execute("SELECT count(*) FROM nodes");
        }
        return connection;
    }

    /** Steps until there is nothing more to do at once. */
    private void settle() {
        var steps = 0;
        while (await(work.turnGenerations(List.of("default"))).goesOn()) {
            assertThat(++steps).isLessThan(50);
        }
    }

    private void turn(int steps) throws SQLException {
        ReadyGenerations.turn(database, work, steps);
    }

    private void turnOnly(int steps) {
        for (var step = 0; step < steps; step++) {
            await(work.turnGenerations(List.of("default")));
        }
    }

    private List<String> generations() throws SQLException {
        return List.of(database.value(
                        "SELECT string_agg(generation || ' ' || queue, ',' ORDER BY generation, queue) FROM ready_generations")
                .split(","));
    }

    private List<String> claimed(int limit) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT unnest(c.ids) FROM claim_ready('%s', ARRAY['default'], %d) c"
                        .formatted(node.value(), limit))) {
            var ids = new ArrayList<String>();
            while (rows.next()) {
                ids.add(rows.getString(1));
            }
            return ids;
        }
    }

    private List<String> inOrderOfLatestStart(List<String> ids) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.prepareStatement("""
                        SELECT id FROM task_instances WHERE id = ANY (?::uuid[])
                        ORDER BY latest_start(created_at, priority, NULL), id""")) {
            statement.setArray(1, connection.createArrayOf("text", ids.toArray()));
            var sorted = new ArrayList<String>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    sorted.add(rows.getString(1));
                }
            }
            return sorted;
        }
    }
}
