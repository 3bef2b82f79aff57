package dev.orrery.node;

import dev.orrery.api.HealthCheck;
import dev.orrery.coordination.Coordination;
import dev.orrery.coordination.Membership;
import dev.orrery.service.HealthStatus;
import dev.orrery.store.Pools;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** What a node looks at when it is asked how it is. */
final class NodeHealth {

    /** Two heartbeats were missed by then, and the node is still trusted. */
    private static final Duration HEARTBEAT_MAX = Duration.ofSeconds(3);

    /** The time in which the node's registration there would run out. */
    private static final Duration ETCD_SILENCE_MAX = Membership.LEASE;

    private NodeHealth() {}

    /** {@code cluster}: whether there is a coordination service that could be away. */
    static List<HealthCheck> checks(
            Pools pools,
            Membership membership,
            Coordination coordination,
            boolean cluster,
            NodeHost host,
            Supplier<Future<HealthStatus>> jobs) {
        var checks = new ArrayList<HealthCheck>();
        checks.add(new HealthCheck(
                "database", () -> pools.api().query("SELECT 1").execute().mapEmpty()));
        checks.add(heartbeat(membership::sinceLastBeat));
        if (cluster) {
            checks.add(etcd(coordination::silence));
        }
        checks.add(new HealthCheck("work", () -> work(host)));
        checks.add(scheduler(jobs));
        return List.copyOf(checks);
    }

    private static Future<Void> work(NodeHost host) {
        if (host.isDraining()) {
            return Future.failedFuture("the node drains and takes no more work");
        }
        return host.hasBegun() ? Future.succeededFuture() : Future.failedFuture("the node is still starting");
    }

    static HealthCheck heartbeat(Supplier<Duration> age) {
        return new HealthCheck(
                "heartbeat",
                () -> within(
                        age.get(),
                        HEARTBEAT_MAX,
                        "the last heartbeat reached the database %d s ago: the node takes no work until one does"));
    }

    static HealthCheck etcd(Supplier<Duration> silence) {
        return HealthCheck.helpful(
                "etcd",
                () -> within(
                        silence.get(),
                        ETCD_SILENCE_MAX,
                        "etcd has not answered for %d s: tasks go on, but this node cannot lead; where none reaches it, no"
                                + " schedule starts a run and no node can join"));
    }

    static HealthCheck scheduler(Supplier<Future<HealthStatus>> jobs) {
        return HealthCheck.helpful(
                "scheduler",
                () -> jobs.get()
                        .compose(status -> status.complaint()
                                .<Future<Void>>map(Future::failedFuture)
                                .orElseGet(Future::succeededFuture)));
    }

    private static Future<Void> within(Duration value, Duration most, String complaint) {
        return value.compareTo(most) <= 0
                ? Future.succeededFuture()
                : Future.failedFuture(complaint.formatted(value.toSeconds()));
    }
}
