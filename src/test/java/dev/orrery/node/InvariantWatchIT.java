package dev.orrery.node;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.engine.scheduler.Chore;
import dev.orrery.engine.scheduler.Chore.Bite.OfLeader;
import dev.orrery.store.InvariantRepository;
import dev.orrery.store.Pools;
import dev.orrery.telemetry.Metrics;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a leader tells of a database in which something contradicts itself. */
class InvariantWatchIT {

    private static final String TASK = "01980f6e-3c00-7000-8b2d-5f3180000001";

    private static final String OLD_TASK_IN_TWO_PLACES = """
            INSERT INTO task_ready (id, queue, latest_start, version_id) VALUES ('%1$s', 'default', clock_timestamp(), 0);
            INSERT INTO task_timers (ref, kind, due_at, attempt, failures) VALUES ('%1$s', 'retry', clock_timestamp(), 1, 1);
            """.formatted(TASK);

    /** The leader looks at 10,000 at a time. */
    private static final String MANY_READY_TASKS = """
            INSERT INTO task_ready (id, queue, latest_start, version_id)
            SELECT single_id('01990f6e-3c00-7000-8b2d-5f3100000000', n), 'default', clock_timestamp(), 0
            FROM generate_series(1, 25000) n;
            """;

    private final Vertx vertx = Vertx.vertx();
    private final Metrics metrics = new Metrics();
    private final AtomicBoolean leads = new AtomicBoolean(true);
    private TestDatabase database;
    private Pools pools;
    private Chore chore;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 2, 100);
        chore = InvariantWatch.chore(
                new InvariantRepository(vertx, pools.api()), metrics, leads::get, Duration.ofMinutes(1));
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        metrics.close();
        database.close();
    }

    @Test
    void eachCheckIsMadeInARoundAndWhatIsWrongIsShownUntilItIsMended() throws SQLException {
        round();
        assertThat(shown()).hasSize(InvariantRepository.checks().size()).allMatch(line -> line.endsWith(" 0.0"));

        execute(
                "SET session_replication_role = replica; INSERT INTO cancel_requests (task_id, node_id, fence) VALUES ('"
                        + TASK + "', '" + TASK + "', 1)");
        round();
        assertThat(shown()).contains("orrery_invariants_broken{check=\"cancels\"} 1.0");

        execute("DELETE FROM cancel_requests");
        round();
        assertThat(shown()).contains("orrery_invariants_broken{check=\"cancels\"} 0.0");
    }

    @Test
    void whoDoesNotLeadAnyMoreTellsNothing() {
        round();

        leads.set(false);

        assertThat(shown()).isEmpty();
    }

    @Test
    void whatCannotBeLookedAtIsLeftOutAndTheOthersAreTold() throws SQLException {
        round();
        execute("ALTER TABLE cancel_requests RENAME TO hidden");

        round();

        assertThat(shown())
                .hasSize(InvariantRepository.checks().size() - 1)
                .noneMatch(line -> line.contains("\"cancels\""));
    }

    @Test
    void whatIsWrongAmongWhatIsOlderIsFoundInTheEndAndShownUntilItIsMended() throws SQLException {
        var ofCheck = "orrery_invariants_broken{check=\"one-place\"}";
        execute("SET session_replication_role = replica; " + OLD_TASK_IN_TWO_PLACES + MANY_READY_TASKS);

        round();
        assertThat(shown()).contains(ofCheck + " 0.0");

        rounds(2);
        assertThat(shown()).contains(ofCheck + " 1.0");

        rounds(2);
        assertThat(shown()).as("while the next walk has not come by").contains(ofCheck + " 1.0");

        execute("DELETE FROM task_timers");
        rounds(2);
        assertThat(shown()).contains(ofCheck + " 0.0");
    }

    private void rounds(int rounds) {
        for (var n = 0; n < rounds; n++) {
            round();
        }
    }

    private void round() {
        for (var n = 0; n < InvariantRepository.checks().size(); n++) {
            assertThat(await(((OfLeader) chore.bite()).action().apply(1))).isFalse();
        }
    }

    private List<String> shown() {
        await(metrics.ready());
        return metrics.scrape()
                .lines()
                .filter(line -> line.startsWith("orrery_invariants_broken{"))
                .toList();
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
