package dev.orrery.store;

import static dev.orrery.testing.Await.await;

import dev.orrery.testing.TestDatabase;
import java.sql.SQLException;
import java.util.List;

/** Generations of ready tasks, for tests of what is right while they turn. */
final class ReadyGenerations {

    /** Of a ready task r: whether claims look where it stands. */
    static final String IS_SEEN = """
            EXISTS (SELECT FROM ready_places(ARRAY[r.queue]) p
                    WHERE p.generation = r.generation AND p.starts_from <= r.latest_start)\
            """;

    private ReadyGenerations() {}

    /** Announces a new one where none is, as if the head of a queue were costly, and takes so many steps. */
    static void turn(TestDatabase database, WorkRepository work, int steps) throws SQLException {
        announce(database);
        for (var step = 0; step < steps; step++) {
            await(work.turnGenerations(List.of("default")));
        }
    }

    static void announce(TestDatabase database) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute("""
                    INSERT INTO ready_generations (generation)
                    SELECT last_value + 1 FROM ready_generation_seq
                    WHERE NOT EXISTS (SELECT FROM ready_generations WHERE queue <> '' GROUP BY queue HAVING count(*) > 1)
                    ON CONFLICT DO NOTHING
                    """);
        }
    }
}
