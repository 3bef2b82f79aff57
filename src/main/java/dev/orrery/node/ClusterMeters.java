package dev.orrery.node;

import dev.orrery.bus.Bus;
import dev.orrery.coordination.Leadership;
import dev.orrery.coordination.Membership;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;

/** Shows this node's place among the nodes. */
final class ClusterMeters {

    private ClusterMeters() {}

    static void show(Metrics metrics, Membership membership, Leadership leadership, Bus bus) {
        metrics.gauge(Metric.LEADER, () -> leadership.epoch().isPresent() ? 1 : 0);
        metrics.gauge(Metric.LEADER_EPOCH, () -> leadership.epoch().orElse(0));
        metrics.gauge(Metric.NODES_ALIVE, () -> membership.alive().size());
        metrics.gauge(Metric.HEARTBEAT_AGE, () -> membership.sinceLastBeat().toMillis() / 1_000.0);
        metrics.counter(Metric.NODES_FENCED, membership::fencedOthers);
        metrics.counter(Metric.PEER_MESSAGES_IGNORED, bus::ignoredOfPeers);
    }
}
