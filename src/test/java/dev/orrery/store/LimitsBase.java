package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.testing.Graphs;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;

/** What tests of limits do with a node that claims; after each test the counts must agree too. */
abstract class LimitsBase extends ClaimsTestBase {

    QueueRepository queues;

    @BeforeEach
    void openQueues() {
        queues = new QueueRepository(vertx, pools.api());
    }

    @Override
    List<String> violations(Connection connection) throws SQLException {
        return LimitInvariants.violations(connection);
    }

    /** Tasks named prefix0, prefix1, …, each less urgent than the one before. */
    static TaskDefinition[] tasks(String prefix, int count, String queue) {
        return IntStream.range(0, count)
                .mapToObj(n -> in(queue, Graphs.task(prefix + n, Set.of(), Math.max(0, 9 - n))))
                .toArray(TaskDefinition[]::new);
    }

    /** The same with a limit; {@code rate} as SQL has it, {@code null, null} for none. */
    final DagId publishLimited(String max, String rate, TaskDefinition... tasks) throws SQLException {
        var dag = publish(tasks);
        limit(dag, max, rate);
        return dag;
    }

    final void limit(DagId dag, String max, String rate) throws SQLException {
        execute("UPDATE dag_versions SET has_locks = true, limit_id = limit_dag(1, dag_id, %s, %s) WHERE dag_id = '%s'"
                .formatted(max, rate, dag));
    }
}
