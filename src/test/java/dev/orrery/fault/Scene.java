package dev.orrery.fault;

import dev.orrery.fault.History.Outliving;
import dev.orrery.testing.Await;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** The stage of one harm: the cluster, and a note of what was done to whom and when. */
final class Scene {

    private static final Duration LEADER_LIMIT = Duration.ofSeconds(20);

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

    /** A node that does not lead; it is the victim. */
    ClusterNode worker() {
        var leader = awaitLeader();
        var others = cluster.peersOf(leader);
        return victim(others.get(ThreadLocalRandom.current().nextInt(others.size())));
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

    java.util.Optional<ClusterNode> victim() {
        return java.util.Optional.ofNullable(victim);
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
