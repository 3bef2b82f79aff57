package dev.orrery.node;

import dev.orrery.bus.Bus;
import dev.orrery.config.WorkersConfig;
import dev.orrery.coordination.Leadership;
import dev.orrery.coordination.Membership;
import dev.orrery.store.NodeRepository.WorkerLoad;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import java.util.function.ToIntFunction;

/** Shows this node's place among the nodes, and what it has in hand. */
final class ClusterMeters {

    private ClusterMeters() {}

    static void show(
            Metrics metrics,
            Membership membership,
            Leadership leadership,
            Bus bus,
            NodeHost host,
            WorkersConfig workers) {
        metrics.gauge(Metric.LEADER, () -> leadership.epoch().isPresent() ? 1 : 0);
        metrics.gauge(Metric.LEADER_EPOCH, () -> leadership.epoch().orElse(0));
        metrics.gauge(Metric.NODES_ALIVE, () -> membership.alive().size());
        metrics.gauge(Metric.HEARTBEAT_AGE, () -> membership.sinceLastBeat().toMillis() / 1_000.0);
        metrics.counter(Metric.NODES_FENCED, membership::fencedOthers);
        metrics.counter(Metric.PEER_MESSAGES_IGNORED, bus::ignoredOfPeers);
        metrics.gauge(Metric.WORKER_SLOTS, () -> workers.size() * workers.concurrency());
        metrics.gauge(Metric.WORKER_TASKS, () -> sum(host, WorkerLoad::running), "running");
        metrics.gauge(Metric.WORKER_TASKS, () -> sum(host, WorkerLoad::queued), "queued");
    }

    private static int sum(NodeHost host, ToIntFunction<WorkerLoad> number) {
        return host.condition().workers().stream().mapToInt(number).sum();
    }
}
