package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What is done with many tasks at once must not look at each of them for each of them, whatever the planner believes: right
 * after {@code ANALYZE} it knows that all wait for the same task, before it knows nothing. Counted are the rows that each part
 * of a plan touches, in the settings of the hot pool and in those of a program of somebody else.
 */
class LinearPlansIT {

    private static final int TASKS = 2_000;
    private static final int ROWS_FOR_A_TASK = 100; // each is held against dozens of rules

    private static final Pattern ROWS = Pattern.compile("actual rows=([0-9.]+) loops=([0-9]+)");
    private static final Pattern REMOVED = Pattern.compile("Rows Removed by (?:Join )?Filter: ([0-9]+)");

    private TestDatabase database;
    private Connection connection;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        connection = database.connect();
        run("LOAD 'auto_explain'");
        run("SET auto_explain.log_analyze = on");
        run("SET auto_explain.log_timing = off");
        run("SET auto_explain.log_nested_statements = on");
        run("SET auto_explain.log_level = notice");
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "hot", "analyzed", "analyzed hot"})
    void whatWaitsForACancelledTaskIsCancelledAndRevivedInLinearWork(String how) throws SQLException {
        var first = one();
        run(submit("'dependencies', json_build_array('" + first + "')"));
        become(how);

        assertThat(slowest("SELECT verdict FROM cancel_task(1, '" + first + "', NULL, NULL, NULL)"))
                .isEmpty();
        assertThat(number("SELECT count(*) FROM task_wait")).isZero();

        if (how.contains("analyzed")) {
            run("ANALYZE");
        }
        assertThat(slowest("SELECT verdict FROM retry_task(1, '" + first + "', NULL, NULL, NULL)"))
                .isEmpty();
        assertThat(slowest("SELECT continue_cascades()")).isEmpty();
        assertThat(number("SELECT count(*) FROM task_wait")).isEqualTo(TASKS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "hot", "analyzed", "analyzed hot"})
    void aTreeIsCancelledInLinearWork(String how) throws SQLException {
        var root = one();
        run(submit("'notBefore', now() + interval '1 day', 'parentTaskId', '" + root + "'"));
        become(how);

        assertThat(slowest("SELECT verdict FROM cancel_task(1, '" + root + "', NULL, NULL, NULL)"))
                .isEmpty();
        assertThat(number("SELECT count(*) FROM task_timers")).isZero();
    }

    /** Several lists in one transaction, each waiting for a task of before and for one of its own. */
    @ParameterizedTest
    @ValueSource(strings = {"", "hot", "analyzed", "analyzed hot"})
    void aProgramSubmitsInLinearWork(String how) throws SQLException {
        var before = one();
        become(how);
        connection.setAutoCommit(false);
        var own = text("SELECT submit_task('{\"type\":\"shell\",\"command\":\"true\"}'::json, depends_on => ARRAY['"
                + before + "'::uuid])");
        var list = submit(
                "'dependencies', json_build_array('" + before + "', '" + own + "'), 'parentTaskId', '" + own + "'");

        assertThat(slowest(list)).isEmpty();
        assertThat(slowest(list)).isEmpty();
        assertThat(slowest("COMMIT")).isEmpty();
        assertThat(number("SELECT count(*) FROM task_wait")).isEqualTo(2 * TASKS + 1);
    }

    /** Each child waits for one that was there before and is waited for by a parent of the same list. */
    @ParameterizedTest
    @ValueSource(strings = {"", "hot", "analyzed", "analyzed hot"})
    void aFamilyWhoseChildrenWaitIsSubmittedInLinearWork(String how) throws SQLException {
        var before = one();
        become(how);

        assertThat(slowest(
                        "SELECT count(*) FROM submit_tasks((SELECT json_agg(json_build_object('type', 'shell', 'command', 'true',"
                                + " 'ref', 'r' || n, 'dependencies', json_build_array('" + before
                                + "'), 'waitForChildren', n = 1,"
                                + " 'parentTaskId', CASE WHEN n > 1 THEN 'r1' END)) FROM generate_series(1, " + TASKS
                                + ") n))"))
                .isEmpty();
        assertThat(number("SELECT count(*) FROM task_wait")).isEqualTo(TASKS);
    }

    private String one() throws SQLException {
        return text(
                "SELECT submit_task('{\"type\":\"shell\",\"command\":\"true\"}'::json, not_before => now() + interval '1 day')");
    }

    private static String submit(String fields) {
        return "SELECT count(*) FROM submit_tasks((SELECT json_agg(json_build_object('type', 'shell', 'command', 'true', "
                + fields + ")) FROM generate_series(1, " + TASKS + ")))";
    }

    private void become(String how) throws SQLException {
        if (how.contains("analyzed")) {
            run("ANALYZE");
        }
        if (how.contains("hot")) {
            run("SET plan_cache_mode = force_generic_plan");
            run("SET enable_seqscan = off");
            run("SET enable_bitmapscan = off");
        }
        run("SET jit = off");
        // What touches so many rows takes longer.
        run("SET auto_explain.log_min_duration = '5ms'");
    }

    /** The plans of it in which a part touches too many rows. */
    private List<String> slowest(String sql) throws SQLException {
        var found = new ArrayList<String>();
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
            for (var told = statement.getWarnings(); told != null; told = told.getNextWarning()) {
                if (touched(told) > (double) TASKS * ROWS_FOR_A_TASK) {
                    found.add(told.getMessage());
                }
            }
        }
        return found;
    }

    private static double touched(SQLWarning told) {
        var most = 0.0;
        var loops = 1.0;
        for (var line : told.getMessage().split("\n")) {
            var rows = ROWS.matcher(line);
            var removed = REMOVED.matcher(line);
            if (rows.find()) {
                loops = Double.parseDouble(rows.group(2));
                most = Math.max(most, loops * Double.parseDouble(rows.group(1)));
            } else if (removed.find()) {
                most = Math.max(most, loops * Double.parseDouble(removed.group(1)));
            }
        }
        return most;
    }

    private void run(String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private int number(String sql) throws SQLException {
        return Integer.parseInt(text(sql));
    }

    private String text(String sql) throws SQLException {
        try (var statement = connection.createStatement();
                var row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
