package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonArray;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A session of the hot pool plans a statement once, perhaps while the tables are empty, and goes on by that plan while they
 * grow: until someone analyzes them, which may be long. So such a plan must not read what only grew.
 */
class GrownTablesIT {

    private static final int GROWN = 20_000;

    private TestDatabase database;
    private Connection connection;
    private String dag;
    private int runs;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        dag = Graphs.publish(database, Graphs.tasks("only")).toString();
        connection = database.connect();
        for (var setting : List.of("plan_cache_mode = force_generic_plan", "enable_seqscan = off", "jit = off")) {
            run("SET " + setting);
        }
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    @Test
    void aRunIsCreatedWithoutALookAtAllTheOthers() throws SQLException {
        pages(createRun());
        var few = pages(createRun());

        run("INSERT INTO dag_runs (id, tenant_id, dag_id, version_id, dag_version, triggered_by, remaining)"
                + " SELECT gen_random_uuid(), 1, gen_random_uuid(), 1, 1, 'api', 1 FROM generate_series(1, " + GROWN
                + ")");

        assertThat(pages(createRun())).isLessThan(few + GROWN / 20);
    }

    @Test
    void whatIsDueIsTakenWithoutALookAtAllJobs() throws SQLException {
        addJobs(10, "now()");
        run("PREPARE take AS " + JobRepository.TAKE_DUE);
        var few = pages("EXECUTE take (500, 60)");

        addJobs(GROWN, "now() + interval '1 day'");

        assertThat(pages("EXECUTE take (500, 60)")).isLessThan(few + GROWN / 20);
    }

    private String createRun() {
        return """
                SELECT count(*) FROM create_runs(
                    ARRAY['01990000-%04x-7000-8000-000000000000']::uuid[], '{1}', ARRAY['%s']::uuid[], '{api}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}')
                """.formatted(runs++, dag);
    }

    private void addJobs(int count, String due) throws SQLException {
        run("""
                WITH made AS (
                    INSERT INTO jobs (id, tenant_id, dag_id, name, handler_name, schedule, timezone)
                    SELECT gen_random_uuid(), 1, '%s', 'job ' || n, 'noop', '0 0 1 1 *', 'UTC' FROM generate_series(1, %d) n
                    RETURNING id
                )
                INSERT INTO job_timers (job_id, due_at, is_planned) SELECT m.id, %s, true FROM made m
                """.formatted(dag, count, due));
    }

    private void run(String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
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
}
