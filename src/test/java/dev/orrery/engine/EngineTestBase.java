package dev.orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.store.WorkInvariants;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Each test has an engine on a database of its own, whose rows must agree with one another when it is over. */
abstract class EngineTestBase {

    TestDatabase database;
    TestEngine engine;
    final HeldTasks tasks = new HeldTasks();

    @BeforeEach
    void open() throws SQLException, IOException {
        database = Postgres.freshDatabase();
        engine = newEngine();
    }

    TestEngine newEngine() throws SQLException, IOException {
        return new TestEngine(database);
    }

    @AfterEach
    void close() throws SQLException, IOException {
        try {
            engine.close();
            try (var connection = database.connect()) {
                assertThat(WorkInvariants.violations(connection)).isEmpty();
            }
        } finally {
            database.close();
        }
    }

    /** Starts a run of these tasks, which are written as for {@link Graphs#tasks}. */
    RunId trigger(String... lines) throws SQLException {
        return engine.trigger(engine.publish(Graphs.tasks(lines)));
    }

    /** A task that is tried three times, with this wait between. */
    static TaskDefinition retried(String id, Duration delay) {
        return new TaskDefinition(
                new TaskId(id),
                id,
                new TaskType.Handler("noop", Json.NULL),
                TaskDefinition.DEFAULT_TIMEOUT,
                new RetryPolicy(3, delay, delay, 1, 0),
                Set.of(),
                TaskDefinition.DEFAULT_PRIORITY,
                TaskDefinition.DEFAULT_QUEUE);
    }
}
