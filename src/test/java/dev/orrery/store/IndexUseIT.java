package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each index costs every write of its table, so each must be read by a statement of ours, or hold a rule by being unique.
 * Which rows a statement reads by it, and how many, is the matter of {@link QueryPlansIT} and {@link HotPathPlansIT}.
 */
class IndexUseIT {

    private static final String SOME_ID = "'01980f6e-0000-7000-8000-000000000000'";
    private static final String SOME_NODE = "'01980f6e-0000-7000-8000-000000000001'";

    /** A statement of ours for each index, with parameters. */
    private static final Map<String, Call> READERS = Map.ofEntries(
            Map.entry("dags_newest", new Call(DagRepository.LIST, "1, 20, 0")),
            Map.entry(
                    "audit_log_of_tenant", new Call(AuditRepository.LIST_OF_TENANT, "1" + ", NULL".repeat(7) + ", 20")),
            Map.entry(
                    "audit_log_of_resource",
                    new Call(AuditRepository.LIST_OF_RESOURCE, "1" + ", NULL".repeat(7) + ", 20, 'a', NULL")),
            Map.entry("audit_log_by_time", new Call("SELECT purge_audit($1, $2)", "'1 day', 100")),
            Map.entry("dags_deleted", new Call("SELECT purge_hidden_dags($1)", "100")),
            Map.entry("dag_runs_newest", new Call(DagRunRepository.LIST_RUNS, "1, 20, 0")),
            Map.entry(
                    "dag_runs_of_dag", new Call(DagRunRepository.LIST_RUNS_OF_DAG, "1, 20, 0, " + SOME_ID + ", NULL")),
            Map.entry("dag_runs_by_state", new Call(DagRunRepository.LIST_RUNS_BY_STATE, "1, 20, 0, 'failed'")),
            Map.entry(
                    "task_ready_order", new Call("SELECT claim_ready($1, $2, 100)", SOME_NODE + ", ARRAY['default']")),
            Map.entry("total_waits_due", new Call("SELECT * FROM due_totals($1)", "100")),
            Map.entry(
                    "run_traces_of_trace",
                    new Call(DagRunRepository.LIST_RUNS_OF_TRACE, "1, 20, 0, '" + "a".repeat(32) + "', NULL, NULL")),
            Map.entry("task_timers_due", new Call(WorkRepository.WAKE_DUE, "100")),
            Map.entry("task_events_of_run", new Call(EventRepository.READ_EVENTS, SOME_ID + ", 0, 100")),
            Map.entry(
                    "task_attempts_telling", new Call(EventRepository.READ_PROGRESS, "ARRAY[" + SOME_ID + "]::uuid[]")),
            Map.entry("cancel_requests_of_node", new Call(WorkRepository.CANCEL_REQUESTS, SOME_NODE)),
            Map.entry("nodes_alive", new Call(NodeRepository.LIST_ALIVE, "")),
            Map.entry("nodes_remote", new Call(RemoteWorkerRepository.LIST, "1, NULL, NULL, NULL, 20")),
            Map.entry("claim_batches_due", new Call(RemoteWorkerRepository.FIND_OVERDUE, "1000, 20")),
            Map.entry(
                    "claim_batches_remote",
                    new Call(RemoteWorkerRepository.FIND_CLAIMS, SOME_NODE + ", ARRAY[" + SOME_ID + "]::uuid[]")),
            Map.entry("nodes_newest", new Call(ClusterRepository.LIST_NODES, "1000, NULL, NULL, NULL, 20")),
            Map.entry("idempotency_keys_age", new Call(IdempotencyRepository.PURGE_OLD_KEYS, "100, 0")),
            Map.entry("job_timers_due", new Call(JobRepository.TAKE_DUE, "100, 60")),
            Map.entry("job_timers_released", new Call(JobRepository.TAKE_DUE, "100, 60")),
            Map.entry("job_timers_held", new Call("SELECT note_ended($1, $2, $3)", SOME_ID + ", " + SOME_ID + ", 10")),
            Map.entry("jobs_newest", new Call(JobListRepository.LIST, jobs("NULL", "NULL", "NULL", "NULL"))),
            Map.entry(
                    "jobs_by_status",
                    new Call(JobListRepository.LIST_BY_STATUS, jobs("'paused'", "NULL", "NULL", "NULL"))),
            Map.entry(
                    "jobs_by_type",
                    new Call(JobListRepository.LIST_BY_TYPE, jobs("NULL", "'recurring'", "NULL", "NULL"))),
            Map.entry(
                    "jobs_by_handler",
                    new Call(JobListRepository.LIST_BY_HANDLER, jobs("NULL", "NULL", "'echo'", "NULL"))),
            Map.entry("jobs_by_tag", new Call(JobListRepository.LIST_BY_TAG, jobs("NULL", "NULL", "NULL", "'a'"))),
            Map.entry(
                    "jobs_by_name",
                    new Call(JobListRepository.LIST_IN_ORDER_OF_NAME, jobs("NULL", "NULL", "NULL", "NULL"))),
            Map.entry("jobs_of_dag", new Call("SELECT hide_dag($1, $2)", "1, " + SOME_NODE)),
            Map.entry("jobs_ended", new Call("SELECT hide_ended_jobs($1, $2)", "now(), 10")),
            Map.entry("jobs_deleted", new Call("SELECT purge_hidden_jobs($1)", "10")),
            Map.entry(
                    "job_executions_newest",
                    new Call(ExecutionLists.LIST, "1, NULL, NULL, NULL, NULL, NULL, NULL, 20")),
            Map.entry(
                    "job_executions_begun",
                    new Call(ExecutionLists.LIST_BY_START, "1, NULL, NULL, NULL, NULL, NULL, NULL, 20")),
            Map.entry(
                    "job_executions_made",
                    new Call(ExecutionLists.LIST_BY_CREATION, "1, NULL, NULL, NULL, NULL, NULL, NULL, 20")),
            Map.entry(
                    "job_executions_begun_of_job",
                    new Call(
                            ExecutionLists.LIST_OF_JOB_BY_START,
                            "1, " + SOME_ID + ", NULL, NULL, NULL, NULL, NULL, NULL, false, 20")),
            Map.entry(
                    "job_executions_made_of_job",
                    new Call(
                            ExecutionLists.LIST_OF_JOB_BY_CREATION,
                            "1, " + SOME_ID + ", NULL, NULL, NULL, NULL, NULL, NULL, false, 20")),
            Map.entry(
                    "job_executions_bad",
                    new Call(ExecutionLists.LIST_BAD, "1, NULL, NULL, NULL, NULL, 'failed', NULL, 20")),
            Map.entry(
                    "job_executions_bad_of_job",
                    new Call(
                            ExecutionLists.LIST_BAD_OF_JOB,
                            "1, " + SOME_ID + ", NULL, NULL, NULL, NULL, 'failed', NULL, false, 20")),
            Map.entry(
                    "job_executions_of_trace",
                    new Call(ExecutionLists.LIST_OF_TRACE, "1, NULL, NULL, NULL, NULL, NULL, NULL, 20, " + SOME_ID)),
            Map.entry(
                    "job_executions_open",
                    new Call(ScheduledJobRepository.LIST_OPEN_EXECUTIONS, "1, " + SOME_ID + ", 20")),
            Map.entry(
                    "job_skips_of_job",
                    new Call(
                            ExecutionLists.LIST_OF_JOB,
                            "1, " + SOME_ID + ", NULL, NULL, NULL, NULL, NULL, NULL, true, 20")),
            Map.entry("job_skips_age", new Call("SELECT purge_old_runs($1, $2)", "'30 days', 100")),
            Map.entry("tenants_deleted", new Call("SELECT purge_hidden_tenants($1)", "10")),
            Map.entry("dag_versions_of_lock", new Call("DELETE FROM locks WHERE name = $1", "'l'")),
            Map.entry("dag_tasks_of_lock", new Call("DELETE FROM locks WHERE name = $1", "'l'")),
            Map.entry(
                    "event_handlers_of_name",
                    new Call(EventHandlerRepository.LIST_OF_NAME, "1, NULL, NULL, 20, 'n', NULL")),
            Map.entry("event_handlers_enabled", new Call(EventHandlerRepository.GET_ENABLED, "1, 'n'")),
            Map.entry("events_newest", new Call(PublishedEventRepository.LIST, "1, NULL, NULL, 20, NULL, NULL")),
            Map.entry(
                    "events_by_name",
                    new Call(PublishedEventRepository.LIST_BY_NAME, "1, NULL, NULL, 20, NULL, NULL, 'n'")),
            Map.entry("event_pending_due", new Call("SELECT fire_pending($1)", "ARRAY[" + SOME_ID + "]::uuid[]")),
            Map.entry("event_throttles_over", new Call("SELECT purge_events($1, $2)", "'30 days', 10")),
            Map.entry("locks_held", new Call("SELECT release_locks($1)", "ARRAY[" + SOME_ID + "]::uuid[]")),
            Map.entry("lock_waits_order", new Call("SELECT wake_waiters($1)", "ARRAY[1]")),
            Map.entry("task_instances_single", new Call(TaskQueueRepository.LIST_SINGLE_TASKS, tasks("tenant"))),
            Map.entry("task_instances_by_source", new Call(TaskQueueRepository.LIST_SINGLE_TASKS, tasks("creator"))),
            Map.entry("task_instances_of_parent", new Call(TaskQueueRepository.LIST_SINGLE_TASKS, tasks("parent"))),
            Map.entry("task_instances_of_session", new Call(TaskQueueRepository.LIST_SINGLE_TASKS, tasks("session"))),
            Map.entry("task_instances_by_deadline", new Call(TaskQueueRepository.LIST_SINGLE_TASKS, tasks("deadline"))),
            Map.entry(
                    "task_dependencies_of_prerequisite",
                    new Call(TaskDependencyRepository.LIST_DEPENDENTS, SOME_ID + ", false, 20")),
            Map.entry(
                    "task_dependencies_unresolved",
                    new Call("SELECT cancel_dependents($1)", "ARRAY[" + SOME_ID + "]::uuid[]")),
            Map.entry(
                    "task_dependencies_blocking",
                    new Call("SELECT forget_dependents($1)", "ARRAY[" + SOME_ID + "]::uuid[]")),
            Map.entry("limits_due", new Call(WorkRepository.WAKE_DUE, "100")),
            Map.entry("dead_letters_id", new Call(DeadLetterRepository.GET, "1, " + SOME_ID)),
            Map.entry("dead_letters_of_tenant", new Call(DeadLetterRepository.LIST, letters("NULL"))),
            Map.entry("dead_letters_alike", new Call(DeadLetterRepository.LIST_ALIKE, letters("'0'"))),
            Map.entry("letter_redrives_of_tenant", new Call(LetterRedriveRepository.LIST, "1, NULL, 20")),
            Map.entry("dead_letters_unannounced", new Call("SELECT * FROM unannounced_letters($1)", "100")),
            Map.entry("letter_redrives_due", new Call(LetterRedriveRepository.CONTINUE, "100, 10")),
            Map.entry("letter_redrives_ended", new Call("SELECT purge_redrives($1, $2)", "'30 days', 100")),
            Map.entry(
                    "limit_holders_of_limit",
                    new Call("SELECT free_places(l.id) FROM limits l WHERE l.name = $1", "'k'")));

    private record Call(String statement, String parameters) {}

    private static String tasks(String by) {
        return "1, '" + by
                + "', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '00000000-0000-0000-0000-000000000000', 20, 's', "
                + SOME_ID + ", 'api', 'ada', '2026-01-01', '2026-02-01', NULL, NULL, NULL, NULL, NULL, NULL, 20";
    }

    private static String letters(String fingerprint) {
        return "1, 'open', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, " + fingerprint + ", NULL, 20";
    }

    private static String jobs(String status, String type, String handler, String tag) {
        return "1, NULL, NULL, 20, NULL, " + status + ", NULL, " + type + ", " + handler + ", " + tag;
    }

    private static final AtomicInteger NUMBERS = new AtomicInteger();

    private static TestDatabase database;

    private Connection connection;

    @BeforeAll
    static void make() throws SQLException {
        database = Postgres.freshDatabase();
        try (var connection = database.connect()) {
            run(
                    connection,
                    "INSERT INTO nodes (id, name, pid, mode, version) VALUES (" + SOME_NODE
                            + ", 'n', 1, 'standalone', 'x')");
            makeJobs(connection);
            makeTasks(connection);
        }
    }

    /** Most are alike: an index is read for what is rare. */
    private static void makeJobs(Connection connection) throws SQLException {
        for (var dag : List.of(SOME_ID, SOME_NODE)) {
            run(
                    connection,
                    "INSERT INTO dags (id, tenant_id, name, definition, timezone, version, task_count) VALUES (" + dag
                            + ", 1, " + dag + ", '{}', 'UTC', 1, 1)");
        }
        run(
                connection,
                "INSERT INTO jobs (id, tenant_id, dag_id, name, handler_name, schedule, timezone, tags, status, type)"
                        + " SELECT CASE n WHEN 1 THEN " + SOME_ID + " ELSE gen_random_uuid() END, 1, " + SOME_ID
                        + ", 'n', CASE n % 200 WHEN 0 THEN 'echo' ELSE 'noop' END, '@daily', 'UTC',"
                        + " CASE n % 200 WHEN 0 THEN ARRAY['a'] ELSE '{}' END,"
                        + " CASE n % 200 WHEN 0 THEN 'paused' ELSE 'active' END::job_status,"
                        + " CASE n % 200 WHEN 0 THEN 'recurring' ELSE 'cron' END::job_type"
                        + " FROM generate_series(1, 5000) n");
        run(connection, "INSERT INTO job_timers (job_id, due_at) SELECT id, now() + interval '1 year' FROM jobs");
        run(connection, "ANALYZE jobs, job_timers");
    }

    /** Nearly all that one has waited for is done. */
    private static void makeTasks(Connection connection) throws SQLException {
        run(
                connection,
                "INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, source, created_by)"
                        + " SELECT single_id(" + SOME_ID + ", n), 1, 0, 'default', 5, now(), 'api', 'user ' || n % 200"
                        + " FROM generate_series(1, 5000) n");
        run(
                connection,
                "INSERT INTO task_dependencies (dependent_id, prerequisite_id, resolved_at)"
                        + " SELECT single_id(" + SOME_ID + ", n + d), single_id(" + SOME_ID + ", n),"
                        + " CASE WHEN n % 200 > 0 THEN now() END"
                        + " FROM generate_series(1, 4990) n CROSS JOIN generate_series(1, 5) d");
        run(connection, "ANALYZE task_instances, task_dependencies");
    }

    @AfterAll
    static void drop() {
        database.close();
    }

    @BeforeEach
    void makeLock() throws SQLException {
        try (var maker = database.connect()) {
            run(maker, "INSERT INTO locks (tenant_id, name) VALUES (1, 'l') ON CONFLICT DO NOTHING");
            run(maker, "INSERT INTO limits (tenant_id, kind, name) VALUES (1, 'key', 'k') ON CONFLICT DO NOTHING");
        }
    }

    /** Tables are empty, and would be read from end to end where that is allowed. */
    @BeforeEach
    void open() throws SQLException {
        connection = database.connect();
        for (var setting :
                List.of("enable_seqscan = off", "enable_sort = off", "plan_cache_mode = force_generic_plan")) {
            run(connection, "SET " + setting);
        }
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
    }

    @Test
    void everyIndexHasItsReader() throws SQLException {
        var indexes = new ArrayList<String>();
        try (var query = connection.createStatement();
                var rows = query.executeQuery("""
                        SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                        WHERE c.relnamespace = 'orrery'::regnamespace AND NOT i.indisunique
                            AND i.indrelid <> 'flyway_schema_history'::regclass
                        """)) {
            while (rows.next()) {
                indexes.add(rows.getString(1));
            }
        }

        assertThat(indexes).containsExactlyInAnyOrderElementsOf(READERS.keySet());
    }

    @ParameterizedTest
    @MethodSource("indexes")
    void anIndexIsRead(String index) throws SQLException {
        var call = READERS.get(index);
        var before = reads(index);
        var name = "p" + NUMBERS.incrementAndGet();

        if (index.equals("jobs_by_tag")) { // gives no order, so it pays only where what is rare can be sorted
            run(connection, "SET enable_sort = on");
            run(connection, "SET enable_indexscan = off");
        }
        run(connection, "PREPARE " + name + " AS " + call.statement());
        run(connection, "EXECUTE " + name + (call.parameters().isEmpty() ? "" : " (" + call.parameters() + ")"));

        assertThat(reads(index)).isGreaterThan(before);
    }

    static Stream<String> indexes() {
        return READERS.keySet().stream().sorted();
    }

    private long reads(String index) throws SQLException {
        run(connection, "SELECT pg_stat_force_next_flush()");
        try (var query = connection.createStatement();
                var rows = query.executeQuery(
                        "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '" + index + "'")) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
