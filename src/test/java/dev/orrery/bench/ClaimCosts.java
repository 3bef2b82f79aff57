package dev.orrery.bench;

import io.vertx.core.json.JsonArray;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;

/**
 * What a claim of single tasks costs beside so many that are ready, in pages touched and in time. Works in a database of its
 * own; the connection has the settings of the hot path.
 */
public final class ClaimCosts {

    private static final List<String> SETTINGS = List.of(
            "plan_cache_mode = force_generic_plan",
            "enable_seqscan = off",
            "jit = off",
            "enable_bitmapscan = off",
            "synchronous_commit = on");
    private static final int FILL = 100_000;
    private static final int CLAIMS_BETWEEN_TURNS = 2_000;

    private final Connection connection;
    private final UUID node = UUID.randomUUID();
    private int filled;
    private int drained;

    /** What one claim has cost. */
    public record Cost(int claimed, long pages, double millis) {}

    public ClaimCosts(Connection connection) throws SQLException {
        this.connection = connection;
        for (var setting : SETTINGS) {
            run("SET " + setting);
        }
        run("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('" + node + "', 'claimer', 1, 'cluster', 'x')");
    }

    /** Makes as many more tasks ready in the queue "default", of all priorities, over the last ten minutes. */
    public void add(int count) throws SQLException {
        for (var left = count; left > 0; left -= FILL) {
            addSome(Math.min(left, FILL));
        }
    }

    private void addSome(int count) throws SQLException {
        run("""
                WITH made AS (
                    INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, name, definition,
                                                own_priority, calculated_priority, depth, source, timeout_ms)
                    SELECT single_id(overlay('01990000-0000-7000-8000-000000000000'
                                             PLACING lpad(to_hex(n / 1000), 8, '0') FROM 1)::uuid, n %% 1000 + 1),
                           1, 0, 'default', n %% 11, now() - random() * interval '10 minutes', 'task',
                           '{"type":"handler","handler":"noop"}', n %% 11, n %% 11, 0, 'api', 60000
                    FROM generate_series(%d, %d) n
                    RETURNING id, priority, created_at
                )
                INSERT INTO task_ready (id, queue, latest_start, version_id, ready_at)
                SELECT m.id, 'default', latest_start(m.created_at, m.priority, NULL), 0, m.created_at FROM made m
                """.formatted(filled, filled + count - 1));
        filled += count;
    }

    /** The median of some claims of so many tasks, each undone. */
    public Cost claim(int limit, int samples) throws SQLException {
        var costs = new ArrayList<Cost>();
        connection.setAutoCommit(false);
        for (var sample = 0; sample <= samples; sample++) {
            var cost = cost("SELECT claim_ready('" + node + "', ARRAY['default'], " + limit + ")", limit);
            connection.rollback();
            if (sample > 0) { // The first one makes the plans.
                costs.add(cost);
            }
        }
        connection.setAutoCommit(true);
        costs.sort(Comparator.comparingLong(Cost::pages));
        return costs.get(costs.size() / 2);
    }

    /** Takes tasks away for good, so many at a time, until this many more have gone, as if they had succeeded. */
    public void drain(int count, int limit) throws SQLException {
        for (var gone = 0; gone < count; gone += limit) {
            run("SELECT claim_ready('" + node + "', ARRAY['default'], " + limit + ")");
            run("DELETE FROM claim_batches WHERE node_id = '" + node + "'");
            drained += limit;
            if (drained >= CLAIMS_BETWEEN_TURNS) {
                drained = 0;
                turn();
            }
        }
    }

    /** As a node does now and then. */
    private void turn() throws SQLException {
        try (var query = connection.createStatement()) {
            for (var goesOn = true; goesOn; ) {
                try (var rows = query.executeQuery("SELECT goes_on FROM turn_generations(ARRAY['default'])")) {
                    rows.next();
                    goesOn = rows.getBoolean(1);
                }
            }
        }
    }

    private Cost cost(String claim, int limit) throws SQLException {
        try (var query = connection.createStatement();
                var rows = query.executeQuery("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + claim)) {
            rows.next();
            var explained = new JsonArray(rows.getString(1)).getJsonObject(0);
            var plan = explained.getJsonObject("Plan");
            return new Cost(
                    limit,
                    plan.getLong("Shared Hit Blocks") + plan.getLong("Shared Read Blocks"),
                    explained.getDouble("Execution Time"));
        }
    }

    private void run(String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
