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
