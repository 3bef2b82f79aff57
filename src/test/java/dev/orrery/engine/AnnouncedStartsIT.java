package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.NodeId;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** An attempt after one that was lost, of which nobody knows what it did to its node. */
class AnnouncedStartsIT extends EngineTestBase {

    @Test
    void anAttemptAfterOneThatWasNotChargedBeginsOnceItsStartIsCommitted() throws SQLException {
        var run = trigger("a");
        anAttemptWasLost();
        try (var lock = holdBackStarts()) {
            engine.start(1, 1, tasks);
            awaitStartThatWaits();

            assertThat(tasks.order()).isEmpty();
            lock.rollback();
        }

        tasks.end("a", SUCCEEDED);
        engine.awaitRun(run, "succeeded");
        assertThat(database.value(
                        "SELECT string_agg(attempt || ' ' || outcome, ', ' ORDER BY attempt) FROM task_attempts"))
                .isEqualTo("1 lost, 2 succeeded");
    }

    @Test
    void aFirstAttemptWaitsForNothing() throws SQLException {
        var run = trigger("a");
        try (var lock = holdBackStarts()) {
            engine.start(1, 1, tasks);

            tasks.awaitBegun("a");
            lock.rollback();
        }

        tasks.end("a", SUCCEEDED);
        engine.awaitRun(run, "succeeded");
    }

    private void anAttemptWasLost() throws SQLException {
        var dead = new NodeId(UUID.randomUUID());
        try (var connection = database.connect();
                var insert = connection.prepareStatement(
                        "INSERT INTO nodes (id, name, pid, mode, version) VALUES (?, 'dead', 1, 'standalone', 'x')");
                var loss = connection.prepareStatement(
                        "SELECT give_back(?, array_agg(fence), NULL, 'lost')" + " FROM claim_batches")) {
            insert.setObject(1, dead.value());
            insert.execute();
            await(engine.work().commitAndClaim(dead, List.of(), List.of("default"), 1));
            loss.setObject(1, dead.value());
            loss.execute();
        }
    }

    private Connection holdBackStarts() throws SQLException {
        var connection = database.connect();
        connection.setAutoCommit(false);
        try (var lock = connection.createStatement()) {
            lock.execute("LOCK TABLE task_attempts IN EXCLUSIVE MODE");
        }
        return connection;
    }

    private void awaitStartThatWaits() {
        until(
                "the start waits",
                () -> engine.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND"
                                + " relation = 'task_attempts'::regclass")
                        .equals("1"));
    }
}
