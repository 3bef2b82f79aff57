package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.store.DoctorChecks.Parts;
import dev.orrery.testing.Postgres;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the statements of the doctor read: they are made beside nodes that work, so it must not grow with the database. */
class DoctorCostIT {

    private static final String LAST_ID = "'ffffffff-ffff-ffff-ffff-ffffffffffff'";

    /** Somewhat more than a part has. */
    private static final long ROWS_MAX = 30_000;

    /** Some for each row of a part: it is looked up in several indexes. */
    private static final long PAGES_MAX = 10 * 20_000;

    @Test
    void noStatementGoesThroughMoreThanAPartOfATable() throws SQLException {
        try (var database = Postgres.freshDatabase();
                var connection = database.connect()) {
            IntStream.range(0, 4).forEach(times -> fill(connection, times));

            var plans = plans(connection);

            assertThat(plans).hasSizeGreaterThan(30);
            plans.forEach((name, plan) -> {
                assertThat(rowsOfAScan(plan)).as(name + ": " + plan.encode()).isLessThan(ROWS_MAX);
                assertThat(plan.getLong("Shared Hit Blocks") + plan.getLong("Shared Read Blocks"))
                        .as(name)
                        .isLessThan(PAGES_MAX);
            });
        }
    }

    /** The most rows that one node of a plan looks at in a table, whether it takes them or not. */
    private static double rowsOfAScan(JsonObject plan) {
        var rows = plan.getDouble("Actual Rows")
                + plan.getDouble("Rows Removed by Filter", 0.0)
                + plan.getDouble("Rows Removed by Index Recheck", 0.0);
        var own = plan.containsKey("Relation Name") ? rows * plan.getDouble("Actual Loops") : 0;
        return plan.getJsonArray("Plans", new JsonArray()).stream()
                .mapToDouble(each -> rowsOfAScan((JsonObject) each))
                .reduce(own, Math::max);
    }

    /** How each statement is made, of the newest part. */
    private static Map<String, JsonObject> plans(Connection connection) throws SQLException {
        var plans = new LinkedHashMap<String, JsonObject>();
        for (var parts : Parts.values()) {
            if (parts != Parts.NONE) {
                plans.put("the bound of " + parts, plan(connection, parts.boundSql(parts.size), LAST_ID, LAST_ID));
            }
        }
        for (var check : Stream.concat(DoctorChecks.ALL.stream(), ServerExamination.ALL.stream())
                .toList()) {
            var low = bound(connection, check.parts(), LAST_ID);
            plans.put(check.name(), plan(connection, check.sql(), low, LAST_ID));
        }
        return plans;
    }

    private static String bound(Connection connection, Parts parts, String upto) throws SQLException {
        if (parts == Parts.NONE) {
            return LAST_ID;
        }
        try (var statement = connection.createStatement();
                var row = statement.executeQuery(parts.boundSql(parts.size).replace("$1", upto))) {
            return row.next() ? "'" + row.getString(1) + "'" : "'" + new UUID(0, 0) + "'";
        }
    }

    private static JsonObject plan(Connection connection, String sql, String low, String high) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute("SET jit = off; SET max_parallel_workers_per_gather = 0; SET search_path = orrery");
            // A bound has one parameter, a check has two.
            var text = sql.contains("$2") ? sql.replace("$1", low).replace("$2", high) : sql.replace("$1", high);
            try (var row = statement.executeQuery("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + text)) {
                row.next();
                return new JsonArray(row.getString(1)).getJsonObject(0).getJsonObject("Plan");
            }
        }
    }

    /**
     * 20,000 tasks of each kind: ended, ready, in pairs of which one waits for the other; and runs. What has ended was cancelled while it
     * waited for several others, and left its keys behind.
     */
    private static void fill(Connection connection, int times) {
        try (var statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = replica; SET search_path = orrery");
            statement.execute("""
                    CREATE OR REPLACE FUNCTION pg_temp.id(kind int, n int) RETURNS uuid LANGUAGE sql IMMUTABLE RETURN
                    ('0198' || lpad(to_hex(n * 4 + kind), 8, '0') || '70008b2d5f3180000001')::uuid;
                    INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, source, depth, unique_key)
                    SELECT pg_temp.id(k, n), 1, 0, 'default', 5, clock_timestamp(), 'api', CASE WHEN k = 2 THEN 1 ELSE 0 END, k || '-' || n
                    FROM generate_series(%1$d, %2$d) n, generate_series(0, 2) k;
                    INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at)
                    SELECT pg_temp.id(0, n), 1, 1, 'succeeded', 'succeeded', clock_timestamp() FROM generate_series(%1$d, %2$d) n;
                    INSERT INTO task_ready (id, queue, latest_start, version_id, ready_at)
                    SELECT pg_temp.id(1, n), 'default', clock_timestamp(), 0, clock_timestamp() FROM generate_series(%1$d, %2$d) n;
                    INSERT INTO task_wait (id, version_id, unmet, queue, priority)
                    SELECT pg_temp.id(2, n), 0, 1, 'default', 5 FROM generate_series(%1$d, %2$d) n;
                    INSERT INTO task_dependencies (dependent_id, prerequisite_id)
                    SELECT pg_temp.id(2, n), pg_temp.id(1, n) FROM generate_series(%1$d, %2$d) n;
                    INSERT INTO task_dependencies (dependent_id, prerequisite_id)
                    SELECT pg_temp.id(0, n), pg_temp.id(1, n - k) FROM generate_series(%1$d, %2$d) n, generate_series(0, 2) k;
                    INSERT INTO unique_keys SELECT 1, '1-' || n, pg_temp.id(1, n) FROM generate_series(%1$d, %2$d) n;
                    INSERT INTO unique_keys
                    SELECT 1, '4-' || k || '-' || n, single_id(pg_temp.id(0, n), k)
                    FROM generate_series(%1$d, %2$d) n, generate_series(1, 3) k;
                    INSERT INTO dag_runs (id, tenant_id, dag_id, version_id, dag_version, triggered_by, remaining, state, started_at)
                    SELECT ('0198' || lpad(to_hex(n * 4 + 3), 8, '0') || '70008b2d5f3100000000')::uuid, 1, pg_temp.id(3, 0), 0, 1, 'api', 1,
                           'running', clock_timestamp()
                    FROM generate_series(%1$d, %2$d, 10) n;
                    ANALYZE
                    """.formatted(times * 20_000 + 1, times * 20_000 + 20_000));
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }
}
