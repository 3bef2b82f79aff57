package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Etcd;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

    @Test
    void nodesThatDoNotReachEachOtherOverTheBusSaySoAndGoOn() throws Exception {
        try (var one = start();
                // Nobody listens there.
                var two = start("--set", "bus.advertised-host=127.0.0.77", "--set", "node.name=two")) {
            until("both are seen", () -> alive().equals("2"));

            until("the one misses the other", () -> bus(one).getString("status").equals("degraded"));
            assertThat(bus(one).getString("reason")).contains("from two at http://", "bus.host", "bus.member-port");
            assertThat(one.get("/health/ready").statusCode()).isEqualTo(200);

            two.kill();
            until(
                    "who is given up is not missed",
                    () -> bus(one).getString("status").equals("up"));
        }
    }

    private static JsonObject bus(NodeProcess node) {
        try {
            return new JsonObject(node.get("/health").body())
                    .getJsonObject("checks")
                    .getJsonObject("bus");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One data folder serves both. */
    private NodeProcess start(String... more) throws IOException {
        var arguments = new ArrayList<>(List.of(
                "--config",
                "conf/cluster.yaml",
                "--database-url",
                database.url(),
                "--etcd",
                etcd.endpoints().getFirst()));
        arguments.addAll(List.of(more));
        return NodeProcess.start(folder.resolve("data"), arguments.toArray(String[]::new));
    }

    private String alive() {
        return database.value("SELECT count(*) FROM nodes WHERE fenced_at IS NULL");
    }
}
