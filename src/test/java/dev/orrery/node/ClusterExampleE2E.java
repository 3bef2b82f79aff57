package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Etcd;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of a cluster's configuration, as its head says: nodes beside each other that differ in their ports. */
class ClusterExampleE2E {

    @TempDir
    Path folder;

    private Postgres server;
    private TestDatabase database;
    private Etcd etcd;

    @BeforeEach
    void open() {
        etcd = Etcd.start(1);
        server = Postgres.safe();
        database = server.empty();
    }

    @AfterEach
    void close() {
        database.close();
        server.close();
        etcd.close();
    }

    @Test
    void nodesOfTheExampleWorkTogetherAndOneGoesWithoutTheOther() throws Exception {
        try (var one = start();
                var two = start()) {
            until("both are seen", () -> alive().equals("2"));

            assertThat(one.stop()).isZero();

            until("one is left", () -> alive().equals("1"));
            assertThat(two.get("/health/ready").statusCode()).isEqualTo(200);
            assertThat(database.value("SELECT count(DISTINCT place) FROM nodes"))
                    .isEqualTo("1");
        }
    }

    /** One data folder serves both. */
    private NodeProcess start() throws IOException {
        return NodeProcess.start(
                folder.resolve("data"),
                "--config",
                "conf/cluster.yaml",
                "--database-url",
                database.url(),
                "--etcd",
                etcd.endpoints().getFirst());
    }

    private String alive() {
        return database.value("SELECT count(*) FROM nodes WHERE fenced_at IS NULL");
    }
}
