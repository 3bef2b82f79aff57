package dev.orrery.bench;

import dev.orrery.testing.Etcd;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Three nodes that share a queue, for {@code scripts/bench --queue}. */
final class QueueNodes {

    private static final int NODES = 3;
    private static final int WORKERS = 2;
    private static final int SLOTS = 2;
    private static final int CAPACITY = 10;

    private QueueNodes() {}

    static void order(int tasks, Path folder, EventsBench.Figures figures) throws Exception {
        var nodes = new ArrayList<NodeProcess>();
        try (var server = Postgres.onDisk("max_connections=300");
                var etcd = Etcd.start(1);
                var database = server.empty()) {
            try {
                for (var n = 0; n < NODES; n++) {
                    var settings = List.of(
                            "--database-url=" + database.url(),
                            "--etcd=" + String.join(",", etcd.endpoints()),
                            "--set=log.level=WARN",
                            "--set=workers.size=" + WORKERS,
                            "--set=workers.concurrency=" + SLOTS,
                            "--set=workers.queue-capacity=" + CAPACITY);
                    nodes.add(NodeProcess.start(folder.resolve("node-" + n), settings.toArray(String[]::new)));
                }
                try (var connection = database.connect()) {
                    var address = nodes.getFirst().address();
                    new QueueBench(address, Target.on(address, connection), figures)
                            .orderOfNodes(tasks, NODES * WORKERS * (SLOTS + CAPACITY));
                }
            } finally {
                nodes.forEach(NodeProcess::close);
            }
        }
    }
}
