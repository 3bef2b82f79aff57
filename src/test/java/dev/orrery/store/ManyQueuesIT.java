package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonArray;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A queue for each customer, say: claims look at those that have something to do, and at each once. */
class ManyQueuesIT {

    private static final int QUEUES = 10_000;
    private static final String ALL = "ARRAY(SELECT q.name FROM queues q)";

    private TestDatabase database;
    private Connection connection;
    private final UUID node = UUID.randomUUID();

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        connection = database.connect();
        // As claims run; what looks at each queue once for each other one takes minutes.
        for (var setting : List.of(
                "plan_cache_mode = force_generic_plan",
                "enable_seqscan = off",
                "jit = off",
                "statement_timeout = '15s'")) {
            run("SET " + setting);
        }
        run("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('" + node + "', 'claimer', 1, 'cluster', 'x')");
        run("INSERT INTO queues (name) SELECT 'customer ' || n FROM generate_series(1, " + QUEUES + ") n");
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    @Test
    void theMostUrgentOfAllQueuesAreClaimedInTheirOrder() throws SQLException {
        addOneForEach();

        for (var claimed = 0; claimed < 1_000; claimed += 100) {
            assertThat(claim()).isEqualTo(numbers(claimed + 1, 100));
        }
    }

    @Test
    void alsoWhereEachIsLeftInAGenerationThatIsClosed() throws SQLException {
        addOneForEach();
        run("INSERT INTO ready_generations (generation, queue, starts_from)"
                + " SELECT 1, 'customer ' || n, '-infinity' FROM generate_series(1, " + QUEUES + ") n");
        run("UPDATE ready_generations SET generation = 2 WHERE queue = ''");
        run("SELECT setval('ready_generation_seq', 2)");

        assertThat(claim()).isEqualTo(numbers(1, 100));
    }

    @Test
    void queuesWithoutWorkCostAClaimNoPages() throws SQLException {
        add(1, "customer 4711");
        claim();
        add(2, "customer 4711");

        assertThat(pagesOfAClaim()).isLessThan(QUEUES / 10);
    }

    /** The task with number n is in the n-th queue and the n-th to begin. */
    private void addOneForEach() throws SQLException {
        run("""
                WITH made AS (
                    INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, name, definition,
                                                own_priority, calculated_priority, depth, source, timeout_ms)
                    SELECT single_id('01990000-0000-7000-8000-000000000000', n), 1, 0, 'customer ' || n, 5, now(), n::text,
                           '{"type":"handler","handler":"noop"}', 5, 5, 0, 'api', 60000
                    FROM generate_series(1, %d) n
                    RETURNING id, queue, name
                )
                INSERT INTO task_ready (id, queue, latest_start, version_id, ready_at)
                SELECT m.id, m.queue, now() + m.name::int * interval '1 second', 0, now() FROM made m
                """.formatted(QUEUES));
    }

    private void add(int number, String queue) throws SQLException {
        run("INSERT INTO task_ready (id, queue, latest_start, version_id, ready_at)"
                + " VALUES (single_id('01990000-0000-7000-8000-000000000000', " + number + "), '" + queue
                + "', now(), 0, now())");
    }

    private static List<Integer> numbers(int first, int count) {
        var numbers = new ArrayList<Integer>();
        for (var n = first; n < first + count; n++) {
            numbers.add(n);
        }
        return numbers;
    }

    private List<Integer> claim() throws SQLException {
        var claimed = new ArrayList<Integer>();
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT task_no_of(u.id) & 2147483647 FROM claim_ready('" + node
                        + "', " + ALL + ", 100) c, unnest(c.ids) WITH ORDINALITY u(id, ordinal) ORDER BY u.ordinal")) {
            while (rows.next()) {
                claimed.add(rows.getInt(1));
            }
        }
        return claimed;
    }

    private long pagesOfAClaim() throws SQLException {
        var queues = database.value("SELECT array_agg(q.name)::text FROM queues q");
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT claim_ready('" + node
                        + "', '" + queues.replace("'", "''") + "', 100)")) {
            rows.next();
            var plan = new JsonArray(rows.getString(1)).getJsonObject(0).getJsonObject("Plan");
            return plan.getLong("Shared Hit Blocks") + plan.getLong("Shared Read Blocks");
        }
    }

    private void run(String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
