package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.store.DoctorChecks.Parts;
import dev.orrery.testing.Postgres;
import io.vertx.core.json.JsonArray;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the statements of the doctor read: they are made beside nodes that work, so it must not grow with the database. */
class DoctorCostIT {

    private static final String LAST_ID = "'ffffffff-ffff-ffff-ffff-ffffffffffff'";

    /** A part, of which each row is looked up in some indexes. */
    private static final long PAGES_MAX = 20_000 * 4 * 8;

    @Test
    void noStatementReadsMoreForThreeTimesAsManyTasks() throws SQLException {
        try (var database = Postgres.freshDatabase();
                var connection = database.connect()) {
            fill(connection, 0);
            var before = pages(connection);
            fill(connection, 1);
            fill(connection, 2);

            var after = pages(connection);

            assertThat(after).hasSizeGreaterThan(25).allSatisfy((statement, pages) -> assertThat(pages)
                    .as(statement)
                    .isLessThan(PAGES_MAX)
                    .isLessThanOrEqualTo(before.get(statement) * 3 / 2 + 3_000));
        }
    }

    /** The pages that each statement touches, of a part in the midst of what there is. */
    private static Map<String, Long> pages(Connection connection) throws SQLException {
        var pages = new LinkedHashMap<String, Long>();
        for (var parts : Parts.values()) {
            if (parts != Parts.NONE) {
                pages.put("the bound of " + parts, pages(connection, parts.boundSql, LAST_ID, LAST_ID));
            }
        }
        for (var check : Stream.concat(DoctorChecks.ALL.stream(), ServerExamination.ALL.stream())
                .toList()) {
            var low = bound(connection, check.parts(), LAST_ID);
            pages.put(check.name(), pages(connection, check.sql(), low, LAST_ID));
        }
        return pages;
    }

    private static String bound(Connection connection, Parts parts, String upto) throws SQLException {
        if (parts == Parts.NONE) {
            return LAST_ID;
        }
        try (var statement = connection.createStatement();
                var row = statement.executeQuery(parts.boundSql.replace("$1", upto))) {
            return row.next() ? "'" + row.getString(1) + "'" : "'" + new UUID(0, 0) + "'";
        }
    }

    private static long pages(Connection connection, String sql, String low, String high) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute("SET jit = off; SET max_parallel_workers_per_gather = 0; SET search_path = orrery");
            // A bound has one parameter, a check has two.
            var text = sql.contains("$2") ? sql.replace("$1", low).replace("$2", high) : sql.replace("$1", high);
            try (var row = statement.executeQuery("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + text)) {
                row.next();
                var plan = new JsonArray(row.getString(1)).getJsonObject(0).getJsonObject("Plan");
                return plan.getLong("Shared Hit Blocks") + plan.getLong("Shared Read Blocks");
            }
        }
    }

    /** 20,000 tasks of each kind: ended, ready, in pairs of which one waits for the other; and runs. */
    private static void fill(Connection connection, int times) throws SQLException {
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
                    INSERT INTO unique_keys SELECT 1, '1-' || n, pg_temp.id(1, n) FROM generate_series(%1$d, %2$d) n;
                    INSERT INTO dag_runs (id, tenant_id, dag_id, version_id, dag_version, triggered_by, remaining, state, started_at)
                    SELECT ('0198' || lpad(to_hex(n * 4 + 3), 8, '0') || '70008b2d5f3100000000')::uuid, 1, pg_temp.id(3, 0), 0, 1, 'api', 0,
                           'running', clock_timestamp()
                    FROM generate_series(%1$d, %2$d, 10) n;
                    ANALYZE
                    """.formatted(times * 20_000 + 1, times * 20_000 + 20_000));
        }
    }
}
