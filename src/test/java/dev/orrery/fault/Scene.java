package dev.orrery.fault;

import dev.orrery.fault.History.Outliving;
import dev.orrery.testing.Await;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The stage of one harm: the cluster, and a note of what was done to whom and when. */
final class Scene {

    private static final Duration LEADER_LIMIT = Duration.ofSeconds(20);
    private static final Duration WORK_LIMIT = Duration.ofSeconds(30);

    private static final String LONG_TASKS = """
            SELECT n.name
            FROM task_attempts a
            JOIN nodes n ON n.id = a.node_id AND n.fenced_at IS NULL
            JOIN task_instances i ON i.id = a.task_id
            WHERE a.outcome IS NULL AND i.task_id = 'slow' AND a.started_at > clock_timestamp() - interval '3 seconds'
            GROUP BY n.name
            ORDER BY count(*) DESC
            """;

    private final FaultCluster cluster;
    private final List<Outliving> outlivings = new ArrayList<>();
    private @Nullable ClusterNode victim;
    private @Nullable Instant began;
    private @Nullable Instant healed;

    Scene(FaultCluster cluster) {
        this.cluster = cluster;
    }

    FaultCluster cluster() {
        return cluster;
    }

    /** A node that does not lead and has something to lose; it is the victim. */
    ClusterNode worker() {
        var leader = awaitLeader();
        Await.until(
                "a node that does not lead runs a long task",
                WORK_LIMIT,
                () -> busiest(leader).isPresent());
        return victim(busiest(leader).orElseThrow());
    }

    /** Of the nodes that do not lead, the one that runs most of the long tasks that began just now. */
    private Optional<ClusterNode> busiest(ClusterNode leader) {
        try (var connection = cluster.database().connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(LONG_TASKS)) {
            while (rows.next()) {
                var name = rows.getString(1);
                if (!name.equals(leader.name())) {
                    return cluster.nodes().stream()
                            .filter(node -> node.name().equals(name))
                            .findFirst();
                }
            }
            return Optional.empty();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    ClusterNode leader() {
        return victim(awaitLeader());
    }

    private ClusterNode awaitLeader() {
        Await.until("a node leads", LEADER_LIMIT, () -> cluster.leader().isPresent());
        return cluster.leader().orElseThrow();
    }

    private ClusterNode victim(ClusterNode node) {
        victim = node;
        return node;
    }

    /** Waits until no start of this node has a right to work any more. */
    void awaitReplacement(ClusterNode node) {
        Await.until(node.name() + " is fenced", Duration.ofSeconds(30), () -> {
            try (var connection = cluster.database().connect();
                    var query = connection.prepareStatement(
                            "SELECT EXISTS (SELECT FROM nodes WHERE name = ? AND fenced_at IS NULL)")) {
                query.setString(1, node.name());
                try (var rows = query.executeQuery()) {
                    return rows.next() && !rows.getBoolean(1);
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    void begins() {
        began = Instant.now();
    }

    void heals() {
        healed = Instant.now();
    }

    /** The tasks' processes of a node may outlive its right to run them, from now until it is told otherwise. */
    void mayOutlive(ClusterNode node, Duration time, String reason) {
        var now = Instant.now();
        outlivings.add(new Outliving(node.name(), now, now.plus(time), reason));
    }

    void hold(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Waits until the node works again, by itself or started anew. */
    void revive(ClusterNode node) {
        Await.until(node.name() + " is ready or has ended", Duration.ofSeconds(60), () -> {
            return node.isReady() || !node.isRunning();
        });
        if (!node.isRunning()) {
            node.launch();
            node.awaitReady();
        }
    }

    Optional<ClusterNode> victim() {
        return Optional.ofNullable(victim);
    }

    Instant began() {
        return java.util.Objects.requireNonNull(began, "the harm did not say when it began");
    }

    Instant healed() {
        return java.util.Objects.requireNonNull(healed, "the harm did not say when it was over");
    }

    List<Outliving> outlivings() {
        return outlivings;
    }
}
