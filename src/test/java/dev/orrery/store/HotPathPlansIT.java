package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.LockName;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonArray;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What claims and commits cost beside 100,000 tasks that wait in other queues, for others, and for their time, with the
 * settings of the hot pool, and whatever the planner believes of the tables. Counted is what depends on nothing but the
 * plans: the pages that a call touches, and the rows that it reads by going through a table from end to end.
 */
class HotPathPlansIT {

    private static final int OTHERS = 100_000;
    private static final int BATCH = 100;
    private static final String NODE = "00000000-0000-7000-8000-000000000001";

    private static TestDatabase database;
    private static String parallel;
    private static String join;
    private static String locking;

    private Connection connection;

    @BeforeAll
    static void fill() throws SQLException {
        database = Postgres.freshDatabase();
        parallel = Graphs.publish(database, Graphs.tasks(names(BATCH))).toString();
        var lines = new ArrayList<>(List.of(names(BATCH)));
        lines.add("all <- " + String.join(" ", names(BATCH)));
        IntStream.range(0, BATCH).forEach(n -> lines.add("next" + n + " <- t" + n));
        join = Graphs.publish(database, Graphs.tasks(lines.toArray(String[]::new)))
                .toString();
        locking = Graphs.publish(
                        database,
                        Graphs.tasks(names(BATCH)).stream()
                                .map(task -> task.locking(new LockName("lock")))
                                .toList())
                .toString();
        try (var filling = database.connect()) {
            run(
                    filling,
                    "INSERT INTO nodes (id, name, pid, mode, version) VALUES ('" + NODE
                            + "', 'n', 1, 'standalone', 'x')");
            run(filling, """
                    INSERT INTO task_ready (id, queue, latest_start, version_id)
                    SELECT instance_id('01980f6e-0000-7000-8000-000000000000', n), 'other', now() + n * interval '1 ms', 1
                    FROM generate_series(1, %1$d) n;
                    INSERT INTO task_wait (id, version_id, unmet, queue, priority)
                    SELECT instance_id('01980f6e-0001-7000-8000-000000000000', n), 1, 2, 'other', 5
                    FROM generate_series(1, %1$d) n;
                    INSERT INTO task_timers (ref, kind, due_at, attempt, failures)
                    SELECT instance_id('01980f6e-0002-7000-8000-000000000000', n), 'retry', now() + interval '1 hour', 1, 1
                    FROM generate_series(1, %1$d) n;
                    INSERT INTO task_attempts (task_id, attempt, fence, state, outcome, finished_at)
                    SELECT instance_id('01980f6e-0003-7000-8000-000000000000', n), 1, 1, 'succeeded', 'succeeded', now()
                    FROM generate_series(1, %1$d) n;
                    INSERT INTO task_instances (id, tenant_id, run_id, version_id, task_id, queue, priority, created_at)
                    SELECT instance_id('01980f6e-0003-7000-8000-000000000000', n), 1,
                           '01980f6e-0003-7000-8000-000000000000', 1, 't' || n, 'other', 5, now()
                    FROM generate_series(1, %1$d) n;
                    INSERT INTO lock_waits (id, lock_id, queue, latest_start, version_id, attempt, failures)
                    SELECT instance_id('01980f6e-0006-7000-8000-000000000000', n), l.id, 'other', now() + n * interval '1 ms', 1, 0, 0
                    FROM generate_series(1, %1$d) n CROSS JOIN locks l;
                    INSERT INTO cancel_requests (task_id, node_id, fence)
                    SELECT instance_id('01980f6e-0004-7000-8000-000000000000', n), gen_random_uuid(), 1
                    FROM generate_series(1, %1$d) n;
                    INSERT INTO dag_runs (id, tenant_id, dag_id, version_id, dag_version, triggered_by, remaining)
                    SELECT instance_id('01980f6e-0005-7000-8000-000000000000', n), 1, gen_random_uuid(), 1, 1, 'api', 1
                    FROM generate_series(1, %1$d) n;
                    INSERT INTO claim_batches (fence, node_id, open_count, ids, attempts, failures)
                    SELECT nextval('fence_seq'), gen_random_uuid(), 1, ARRAY[gen_random_uuid()], '{1}', '{0}'
                    FROM generate_series(1, 100) n
                    """.formatted(OTHERS));
        }
    }

    @AfterAll
    static void drop() {
        database.close();
    }

    @BeforeEach
    void open() throws SQLException {
        connection = database.connect();
        // What an earlier test has undone still lies in the way of the next one.
        run(connection, "VACUUM");
        connection.setAutoCommit(false);
        for (var setting : List.of("plan_cache_mode = force_generic_plan", "enable_seqscan = off", "jit = off")) {
            run(connection, "SET LOCAL " + setting);
        }
    }

    @AfterEach
    void undo() throws SQLException {
        connection.rollback();
        connection.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aClaimTouchesAsMuchOfALongQueueAsOfAShortOne(boolean analyzed) throws SQLException {
        analyze(analyzed);
        create(parallel, 3);
        run(connection, claim());
        var few = pages(claim());
        undoAndAgain();
        analyze(analyzed);
        create(parallel, OTHERS / BATCH);
        run(connection, claim());

        var many = pages(claim());

        assertThat(many).isLessThan(6 * BATCH).isBetween(few - BATCH / 4, few + BATCH / 4);
        assertThat(rowsReadFromEndToEnd()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCommitTouchesTheRowsOfItsOwnTasksAlone(boolean analyzed) throws SQLException {
        analyze(analyzed);
        create(parallel, 1);
        run(connection, claim());

        assertThat(pages(commit())).isLessThan(30 * BATCH);

        assertThat(rowsReadFromEndToEnd()).isZero();
        assertThat(value("SELECT count(*) FROM task_attempts WHERE node_id = '" + NODE + "'"))
                .isEqualTo("100");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLockIsTakenAndFreedBesideAllWhoWaitForIt(boolean analyzed) throws SQLException {
        analyze(analyzed);
        create(locking, 1);

        assertThat(pages(claim())).isLessThan(50 * BATCH);
        assertThat(value("SELECT count(*) FROM lock_waits WHERE queue = 'default'"))
                .isEqualTo(String.valueOf(BATCH - 1));
        run(connection, commit(1));
        run(connection, claim());
        // What each session reads once to plan its statements was read by the first one.
        assertThat(pages(commit(1))).isLessThan(3 * BATCH);

        assertThat(value("SELECT count(*) FROM task_ready WHERE queue = 'default'"))
                .isEqualTo("1");
        assertThat(rowsReadFromEndToEnd()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCommitFindsDependentsOneByOne(boolean analyzed) throws SQLException {
        analyze(analyzed);
        create(join, 1);
        run(connection, claim());

        assertThat(pages(commit())).isLessThan(60 * BATCH);

        assertThat(value("SELECT count(*) FROM task_ready WHERE queue = 'default'"))
                .isEqualTo("101");
        assertThat(rowsReadFromEndToEnd()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsDueIsFoundAmongWhatIsNot(boolean analyzed) throws SQLException {
        analyze(analyzed);
        run(connection, "SELECT wake_due(500)");
        assertThat(pages("SELECT wake_due(500)")).isLessThan(30);

        create(parallel, 1);
        run(connection, "DELETE FROM task_ready WHERE queue = 'default'");
        run(connection, """
                INSERT INTO task_timers (ref, kind, due_at, attempt, failures)
                SELECT i.id, 'retry', now() - interval '1 s', 1, 1 FROM task_instances i WHERE i.queue = 'default'
                """);
        assertThat(pages("SELECT wake_due(500)")).isLessThan(30 * BATCH);

        assertThat(value("SELECT count(*) FROM task_ready WHERE queue = 'default'"))
                .isEqualTo("100");
        assertThat(rowsReadFromEndToEnd("task_timers", "task_ready", "dag_runs"))
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void cancelsAreFoundByTheirNodeAndTouchOneRun(boolean analyzed) throws SQLException {
        analyze(analyzed);
        create(parallel, 1);
        var run = value("SELECT max(id::text) FROM dag_runs WHERE dag_id = '" + parallel + "'");

        assertThat(pages(prepared(WorkRepository.CANCEL_REQUESTS, "'" + NODE + "'")))
                .isLessThan(10);
        assertThat(pages("SELECT cancel_work(1, '" + run + "', NULL)")).isLessThan(40 * BATCH);

        assertThat(value("SELECT count(*) FROM task_attempts WHERE state = 'cancelled'"))
                .isEqualTo("100");
        // Which node holds what is looked for in the claims: there are no more of them than nodes have slots and room.
        assertThat(rowsReadFromEndToEnd("claim_batches")).isLessThanOrEqualTo(101);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void claimsAreComparedAndGivenBackByTheirOwnRows(boolean analyzed) throws SQLException {
        analyze(analyzed);
        create(parallel, 1);
        run(connection, claim());

        assertThat(pages(prepared(WorkRepository.OPEN_CLAIMS, "'" + NODE + "'")))
                .isLessThan(6 * BATCH);
        assertThat(pages("SELECT give_back('" + NODE + "', ARRAY(SELECT fence FROM claim_batches WHERE node_id = '"
                        + NODE + "'), NULL, 'handed_back')"))
                .isLessThan(50 * BATCH);

        assertThat(value("SELECT count(*) FROM task_ready WHERE queue = 'default'"))
                .isEqualTo("100");
        assertThat(rowsReadFromEndToEnd("task_attempts", "task_instances", "dag_runs", "task_ready"))
                .isZero();
    }

    /** Whether the planner knows the tables, or takes them for the nearly empty ones that they were at first. */
    private void analyze(boolean analyzed) throws SQLException {
        if (analyzed) {
            run(connection, "ANALYZE");
        }
    }

    private void undoAndAgain() throws SQLException {
        undo();
        open();
    }

    private void create(String dag, int runs) throws SQLException {
        var ids =
                IntStream.range(0, runs).mapToObj(n -> "'01990000-" + "%04x".formatted(n) + "-7000-8000-000000000000'");
        run(connection, """
                SELECT count(*) FROM create_runs(
                    ARRAY[%1$s]::uuid[], array_fill(1, ARRAY[%3$d]), array_fill('%2$s'::uuid, ARRAY[%3$d]),
                    array_fill('api'::text, ARRAY[%3$d]), array_fill(NULL::text, ARRAY[%3$d]),
                    array_fill(NULL::timestamptz, ARRAY[%3$d]), array_fill(NULL::text, ARRAY[%3$d]),
                    array_fill(NULL::text, ARRAY[%3$d]), array_fill(NULL::text, ARRAY[%3$d]))
                """.formatted(ids.collect(Collectors.joining(",")), dag, runs));
    }

    private static String claim() {
        return "SELECT claim_ready('" + NODE + "', ARRAY['default'], " + BATCH + ")";
    }

    private String commit() throws SQLException {
        return commit(BATCH);
    }

    /** All the tasks that the node holds, so many, have succeeded. */
    private String commit(int count) throws SQLException {
        run(connection, "DROP TABLE IF EXISTS reports");
        run(connection, """
                CREATE TEMP TABLE reports ON COMMIT DROP AS
                SELECT array_agg(m.id) AS ids, array_agg(run_of(m.id)) AS runs, array_agg(task_no_of(m.id)) AS numbers,
                       array_agg(i.version_id) AS versions, array_agg(m.attempt) AS attempts, array_agg(b.fence) AS fences
                FROM claim_batches b CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
                JOIN task_instances i ON i.id = m.id
                WHERE b.node_id = '%s'
                """.formatted(NODE));
        return """
                SELECT commit_results('%1$s', r.ids, r.runs, r.numbers, r.versions, r.attempts, r.fences,
                    array_fill(1::smallint, ARRAY[%2$d]), array_fill('succeeded'::text, ARRAY[%2$d]),
                    array_fill('succeeded'::text, ARRAY[%2$d]), array_fill(1::bigint, ARRAY[%2$d]),
                    array_fill(NULL::text, ARRAY[%2$d]), array_fill('1'::text, ARRAY[%2$d]),
                    array_fill(NULL::bigint, ARRAY[%2$d]))
                FROM reports r
                """.formatted(NODE, count);
    }

    private String prepared(String statement, String parameters) throws SQLException {
        var name = "p" + UUID.randomUUID().toString().substring(0, 8);
        run(connection, "PREPARE " + name + " AS " + statement);
        return "EXECUTE " + name + " (" + parameters + ")";
    }

    /** Carries it out, and tells how many pages it and all that it calls have touched. */
    private long pages(String statement) throws SQLException {
        try (var query = connection.createStatement();
                var rows = query.executeQuery("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement)) {
            rows.next();
            var plan = new JsonArray(rows.getString(1)).getJsonObject(0).getJsonObject("Plan");
            return plan.getLong("Shared Hit Blocks") + plan.getLong("Shared Read Blocks");
        }
    }

    private long rowsReadFromEndToEnd() throws SQLException {
        return rowsReadFromEndToEnd(
                "task_ready",
                "task_wait",
                "lock_waits",
                "task_attempts",
                "task_instances",
                "task_timers",
                "dag_runs",
                "dag_edges");
    }

    private long rowsReadFromEndToEnd(String... tables) throws SQLException {
        return Long.parseLong(value("SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname IN ('"
                + String.join("', '", tables) + "')"));
    }

    private String value(String sql) throws SQLException {
        try (var query = connection.createStatement();
                var rows = query.executeQuery(sql)) {
            rows.next();
            return String.valueOf(rows.getString(1));
        }
    }

    private static String[] names(int count) {
        return IntStream.range(0, count).mapToObj(n -> "t" + n).toArray(String[]::new);
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
