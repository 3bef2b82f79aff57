package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How soon a node looks again at what was asked of many dead letters. */
class RedrivePaceIT {

    private static final String ASKED = """
            INSERT INTO letter_redrives (id, tenant_id, from_id, upto, as_of, asked_by, last_id, due_at)
            VALUES (gen_random_uuid(), 1, uuid_nil.id, uuid_nil.id, now(), 'ada', uuid_nil.id, now() + interval '%s')
            """.replace("uuid_nil.id", "'00000000-0000-0000-0000-000000000000'");

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private LetterRedriveRepository redrives;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 2, 10);
        redrives = new LetterRedriveRepository(vertx, pools.api(), 10);
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void whereNothingWasAskedForNothingIsDue() {
        var step = await(redrives.goOn(100));

        assertThat(step.wentOn()).isFalse();
        assertThat(step.nextDue()).isEmpty();
    }

    @Test
    void whatIsDueLaterIsLookedAtThen() throws SQLException {
        try (var connection = database.connect()) {
            execute(connection, ASKED.formatted("30 seconds"));
        }

        assertThat(await(redrives.goOn(100)).nextDue().orElseThrow())
                .isBetween(Duration.ofSeconds(20), Duration.ofSeconds(30));
    }

    @Test
    void whatAnotherNodeIsAtIsNotAskedForAgainAndAgain() throws SQLException {
        try (var other = database.connect()) {
            execute(other, ASKED.formatted("-1 second"));
            other.setAutoCommit(false);
            execute(other, "SELECT id FROM letter_redrives FOR UPDATE");

            var step = await(redrives.goOn(100));

            assertThat(step.wentOn()).isFalse();
            assertThat(step.nextDue().orElseThrow()).isGreaterThanOrEqualTo(Duration.ofMillis(100));
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
