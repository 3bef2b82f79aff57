package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the queries cost among 20,000 runs of many DAGs, with the plan that the server would keep for all parameters. Times
 * vary with the machine; the pages that a query touches and the indexes that it uses do not.
 */
class QueryPlansIT {

    private static final int RUNS = 20_000;
    private static final int RARE = 300;
    private static final int WIDE_TASKS = 10_000;

    private static TestDatabase database;
    private static String dag;
    private static String wideRun;
    private static String smallRun;

    @BeforeAll
    static void fill() throws SQLException {
        database = Postgres.freshDatabase();
        dag = Graphs.publish(database, Graphs.tasks("a", "b <- a", "c <- b")).toString();
        var wide = Graphs.publish(
                        database,
                        IntStream.range(0, WIDE_TASKS)
                                .mapToObj(n -> Graphs.task("t" + n, Set.of(), TaskDefinition.DEFAULT_PRIORITY))
                                .toList())
                .toString();
        otherDags();
        smallRun = runId(RUNS / 2);
        wideRun = runId(RUNS + 1);
        createRuns(
                Graphs.publish(database, Graphs.tasks("a", "b <- a", "c <- b")).toString(), 1, RUNS - RARE);
        createRuns(dag, RUNS - RARE + 1, RUNS);
        createRuns(wide, RUNS + 1, RUNS + 1);
        endRunsAndLeaveTheirHistory();
        execute("VACUUM ANALYZE");
    }

    @AfterAll
    static void close() {
        database.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"force_generic_plan", "force_custom_plan"})
    void listsOfRunsReadOnlyWhatTheyShow(String planning) throws SQLException {
        assertThat(plan(planning, DagRunRepository.LIST_RUNS, "1, 20, 0"))
                .satisfies(p -> p.uses("dag_runs_newest", 200));
        assertThat(plan(planning, DagRunRepository.LIST_RUNS_BY_STATE, "1, 20, 0, 'pending'"))
                .satisfies(p -> p.uses("dag_runs_by_state", 200));
        assertThat(plan(planning, DagRunRepository.LIST_RUNS_OF_DAG, "1, 20, 0, '" + dag + "', NULL"))
                .satisfies(p -> p.uses("dag_runs_of_dag", 200));
        assertThat(plan(planning, DagRunRepository.GET_RUN, "1, '" + smallRun + "'"))
                .satisfies(p -> p.uses("dag_runs_pkey", 20));
    }

    @ParameterizedTest
    @ValueSource(strings = {"force_generic_plan", "force_custom_plan"})
    void theTasksOfARunAreReadFromItsOwnRowsAlone(String planning) throws SQLException {
        assertThat(plan(planning, RunTasks.LIST_INSTANCES, "1, '" + smallRun + "'"))
                .satisfies(p -> p.touchesAtMost(100));
        assertThat(plan(planning, RunTasks.LIST_INSTANCES, "1, '" + wideRun + "'"))
                .satisfies(p -> p.touchesAtMost(WIDE_TASKS));
        assertThat(plan(planning, TaskInstanceRepository.GET_INSTANCE, "1, instance_id('" + smallRun + "', 2)"))
                .satisfies(p -> p.touchesAtMost(60));
        assertThat(plan(planning, TaskInstanceRepository.LIST_ATTEMPTS, "instance_id('" + smallRun + "', 2)"))
                .satisfies(p -> p.uses("task_attempts_pkey", 20));
    }

    @ParameterizedTest
    @ValueSource(strings = {"force_generic_plan", "force_custom_plan"})
    void dagsAreFoundByTheirIndexes(String planning) throws SQLException {
        assertThat(plan(planning, DagRepository.LIST, "1, 20, 0")).satisfies(p -> p.uses("dags_newest", 60));
        assertThat(plan(planning, DagRepository.GET, "1, '" + dag + "'")).satisfies(p -> p.uses("dags_pkey", 10));
        assertThat(plan(planning, DagRepository.GET_BY_NAME, "1, 'dag-" + dag + "'"))
                .satisfies(p -> p.uses("dags_name", 10));
        assertThat(plan(planning, DagVersions.LOAD_VERSION, "1")).satisfies(p -> p.uses("dag_versions_pkey", 20));
    }

    @ParameterizedTest
    @ValueSource(strings = {"force_generic_plan", "force_custom_plan"})
    void eventsAndLogsAreReadFromTheirPlace(String planning) throws SQLException {
        assertThat(plan(planning, EventRepository.READ_EVENTS, "'" + smallRun + "', 0, 100"))
                .satisfies(p -> p.uses("task_events_of_run", 20));
        assertThat(plan(planning, EventRepository.GET_LAST_NUMBER, "'" + smallRun + "'"))
                .satisfies(p -> p.uses("task_events_of_run", 20));
        assertThat(plan(planning, EventRepository.READ_NEWS, watchedRuns(100) + ", 100"))
                .satisfies(p -> p.touchesAtMost(1_000));
        assertThat(plan(planning, LogRepository.READ_CHUNKS, "instance_id('" + smallRun + "', 1), 1, 0, 10"))
                .satisfies(p -> p.uses("task_logs_pkey", 20));
    }

    @ParameterizedTest
    @ValueSource(strings = {"force_generic_plan", "force_custom_plan"})
    void oldKeysAreFoundByTheirAge(String planning) throws SQLException {
        // Most of what is read is the catalogue, for the function that looks who leads.
        assertThat(plan(planning, IdempotencyRepository.PURGE_OLD_KEYS, "100, 0"))
                .satisfies(p -> p.uses("idempotency_keys_age", 100));
    }

    @Test
    void oldRunsAreLookedForByTheirStateAndAge() throws SQLException {
        try (var connection = database.connect()) {
            connection.setAutoCommit(false);
            run(connection, "SELECT purge_old_runs('0 s', 3)"); // the catalogue is read once

            var none = Plan.of(explain(connection, "SELECT purge_old_runs('2 hours', 10000)"));
            var tenRuns = Plan.of(explain(connection, "SELECT purge_old_runs('0 s', 30)"));

            // Most of it is the catalogue, for the jobs that are over.
            none.touchesAtMost(80);
            tenRuns.touchesAtMost(1_500);
            connection.rollback();
        }
    }

    @Test
    void aClaimReadsTheHeadOfTheQueueAlone() throws SQLException {
        try (var connection = database.connect()) {
            connection.setAutoCommit(false);
            run(connection, "SET LOCAL plan_cache_mode = force_generic_plan");
            run(connection, "SET LOCAL enable_seqscan = off");
            run(
                    connection,
                    "INSERT INTO nodes (id, name, pid, mode, version) VALUES (gen_random_uuid(), 'n', 1, 'standalone', 'x')");
            run(connection, "SELECT claim_ready((SELECT id FROM nodes), ARRAY['default'], 1)");

            var claim =
                    Plan.of(explain(connection, "SELECT claim_ready((SELECT id FROM nodes), ARRAY['default'], 100)"));

            claim.touchesAtMost(1_500);
            connection.rollback();
        }
    }

    /** A plan that was carried out, as the server tells it. */
    private record Plan(JsonObject root) {

        static Plan of(String json) {
            return new Plan(new JsonArray(json).getJsonObject(0).getJsonObject("Plan"));
        }

        void uses(String index, long pages) {
            assertThat(names(root, "Index Name", new TreeSet<>()))
                    .as(root.encode())
                    .contains(index);
            assertThat(names(root, "Node Type", new TreeSet<>()))
                    .as(root.encode())
                    .doesNotContain("Sort");
            touchesAtMost(pages);
        }

        void touchesAtMost(long pages) {
            assertThat(root.getLong("Shared Hit Blocks") + root.getLong("Shared Read Blocks"))
                    .as(root.encodePrettily())
                    .isLessThanOrEqualTo(pages);
        }

        private static Set<String> names(JsonObject node, String field, Set<String> found) {
            if (node.containsKey(field)) {
                found.add(node.getString(field));
            }
            for (var child : node.getJsonArray("Plans", new JsonArray())) {
                names((JsonObject) child, field, found);
            }
            return found;
        }
    }

    private static Plan plan(String planning, String statement, String parameters) throws SQLException {
        try (var connection = database.connect()) {
            connection.setAutoCommit(false);
            run(connection, "SET LOCAL plan_cache_mode = " + planning);
            run(connection, "SET LOCAL jit = off");
            run(connection, "PREPARE p AS " + statement);
            var plan = Plan.of(explain(connection, "EXECUTE p (" + parameters + ")"));
            connection.rollback();
            return plan;
        }
    }

    private static String explain(Connection connection, String statement) throws SQLException {
        try (var query = connection.createStatement();
                var rows = query.executeQuery("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private static void otherDags() throws SQLException {
        execute("""
                INSERT INTO dags (id, tenant_id, name, definition, timezone, version, task_count, created_at)
                SELECT gen_random_uuid(), 1, 'other ' || n, '{}', 'UTC', 1, 1, now() - n * interval '1 second'
                FROM generate_series(1, 3000) n
                """);
        execute("""
                INSERT INTO dag_versions (dag_id, version, yaml, definition, task_count)
                SELECT d.id, 1, '', '{}', 1 FROM dags d WHERE d.name LIKE 'other %'
                """);
    }

    private static String watchedRuns(int count) {
        var ids = IntStream.rangeClosed(1, count)
                .mapToObj(n -> "'" + runId(n * 7) + "'")
                .collect(Collectors.joining(","));
        return "ARRAY[" + ids + "]::uuid[], array_fill(0::bigint, ARRAY[" + count + "])";
    }

    private static String runId(int number) {
        return "01980f6e-%04x-7000-8b2d-%04x00000000".formatted(number >> 8 & 0xffff, number & 0xff);
    }

    private static void createRuns(String dagId, int first, int last) throws SQLException {
        execute("""
                SELECT count(*) FROM create_runs(
                    ARRAY(SELECT format('01980f6e-%%s-7000-8b2d-%%s00000000', lpad(to_hex(n >> 8), 4, '0'),
                                        lpad(to_hex(n & 255), 4, '0'))::uuid FROM generate_series(%2$d, %3$d) n),
                    array_fill(1, ARRAY[%4$d]), array_fill('%1$s'::uuid, ARRAY[%4$d]), array_fill('api'::text, ARRAY[%4$d]),
                    array_fill(NULL::text, ARRAY[%4$d]), array_fill(NULL::timestamptz, ARRAY[%4$d]),
                    array_fill(NULL::text, ARRAY[%4$d]), array_fill(NULL::text, ARRAY[%4$d]),
                    array_fill(NULL::text, ARRAY[%4$d]))
                """.formatted(dagId, first, last, last - first + 1));
    }

    /** All small runs but every hundredth have ended, each at its own time. */
    private static void endRunsAndLeaveTheirHistory() throws SQLException {
        execute("UPDATE dag_runs SET created_at = now() - interval '1 hour' * random()");
        execute("""
                UPDATE dag_runs SET state = 'succeeded', remaining = 0, started_at = now(), completed_at = now()
                WHERE remaining = 3 AND hashtext(id::text) % 100 <> 0
                """);
        execute("DELETE FROM task_wait w USING dag_runs r WHERE r.id = run_of(w.id) AND r.completed_at IS NOT NULL");
        execute("DELETE FROM task_ready w USING dag_runs r WHERE r.id = run_of(w.id) AND r.completed_at IS NOT NULL");
        execute("""
                INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, started_at, finished_at)
                SELECT i.id, 1, 1, 'succeeded', 'succeeded', now(), now()
                FROM task_instances i JOIN dag_runs r ON r.id = i.run_id WHERE r.completed_at IS NOT NULL
                """);
        execute("""
                INSERT INTO task_events (xid, tenant_id, run_id, task_nos, froms, tos, attempts, fences, workers)
                SELECT (3 + row_number() OVER () / 100)::text::xid8, 1, r.id, '{1}', '{queued}', '{succeeded}', '{1}', '{1}', '{1}'
                FROM dag_runs r
                """);
        execute("""
                INSERT INTO task_logs (task_id, attempt, start_offset, content)
                SELECT i.id, 1, 0, 'text' FROM task_instances i WHERE i.run_id <> '%s'
                """.formatted(wideRun));
        execute("""
                INSERT INTO idempotency_keys (tenant_id, operation, key, request_hash, reference)
                SELECT 1, 'triggerRun', n::text, '', gen_random_uuid() FROM generate_series(1, 20000) n
                """);
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void execute(String sql) throws SQLException {
        try (var connection = database.connect()) {
            run(connection, sql);
        }
    }
}
