package dev.orrery.fault;

import dev.orrery.store.StoreFiles;
import dev.orrery.testing.Etcd;
import dev.orrery.testing.Proxy;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** A real cluster: PostgreSQL, an etcd of three members, three nodes, and our proxies on every link. */
final class FaultCluster implements AutoCloseable {

    static final int NODES = 3;

    private final Path folder;
    private final Database database;
    private final Etcd etcd;
    private final List<ClusterNode> nodes = new ArrayList<>();

    FaultCluster(Path parent) throws IOException, SQLException {
        this.folder = Files.createTempDirectory(parent, "orrery-fault-");
        this.etcd = Etcd.start(3);
        try {
            this.database = new Database(folder.resolve("postgresql"));
            for (var number = 1; number <= NODES; number++) {
                nodes.add(new ClusterNode(this, number));
            }
        } catch (IOException | SQLException | RuntimeException e) {
            etcd.close();
            StoreFiles.deleteTree(folder);
            throw e;
        }
    }

    /** Starts all nodes and returns when they are ready. */
    void start() {
        nodes.forEach(ClusterNode::launch);
        nodes.forEach(ClusterNode::awaitReady);
    }

    Path folder() {
        return folder;
    }

    Database database() {
        return database;
    }

    Etcd etcd() {
        return etcd;
    }

    List<ClusterNode> nodes() {
        return nodes;
    }

    List<URI> addresses() {
        return nodes.stream().map(ClusterNode::address).toList();
    }

    Map<Long, String> namesOfProcesses() {
        return nodes.stream()
                .filter(ClusterNode::isRunning)
                .collect(Collectors.toMap(ClusterNode::pid, ClusterNode::name));
    }

    List<ClusterNode> peersOf(ClusterNode node) {
        return nodes.stream().filter(other -> other != node).toList();
    }

    /** The links between this node and its peers, in both directions. */
    List<Proxy> peerLinks(ClusterNode node) {
        var links = new ArrayList<Proxy>();
        for (var peer : peersOf(node)) {
            links.addAll(node.from(peer));
            links.addAll(peer.from(node));
        }
        return links;
    }

    /** Makes every link whole. */
    void reconnect() {
        nodes.forEach(ClusterNode::reconnect);
        nodes.forEach(node -> peerLinks(node).forEach(Proxy::pass));
    }

    /** Makes all work again after a harm that broke off. */
    void repair() {
        reconnect();
        for (var node : nodes) {
            if (node.isRunning()) {
                node.thaw();
            } else {
                node.launch();
            }
        }
        nodes.forEach(ClusterNode::awaitReady);
    }

    /** The node that leads, by the database. */
    Optional<ClusterNode> leader() {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT n.name FROM leadership l JOIN nodes n ON n.id = l.node_id"
                        + " WHERE n.fenced_at IS NULL")) {
            if (!rows.next()) {
                return Optional.empty();
            }
            var name = rows.getString(1);
            return nodes.stream().filter(node -> node.name().equals(name)).findFirst();
        } catch (SQLException e) {
            return Optional.empty();
        }
    }

    /** Stops all nodes as a user would; answers what is left of them, which should be nothing. */
    List<String> stopNodes() {
        var left = new ArrayList<String>();
        for (var node : nodes) {
            if (node.isRunning()) {
                var code = node.stop();
                if (code != 0) {
                    left.add(node.name() + " ended with exit code " + code);
                }
            }
        }
        left.addAll(LeftOvers.ofStoppedNodes(this));
        return left;
    }

    @Override
    public void close() throws IOException {
        try {
            for (var node : nodes) {
                node.close();
            }
        } finally {
            etcd.close();
            database.close();
            StoreFiles.deleteTree(folder);
        }
    }
}
