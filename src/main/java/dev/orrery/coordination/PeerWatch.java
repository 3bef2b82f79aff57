package dev.orrery.coordination;

import dev.orrery.domain.NodeId;
import dev.orrery.store.NodeRepository.AliveNode;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Tells which other nodes are silent: their heartbeat's counter stood still for the lease, by this process's monotonic
 * clock and over unbroken looks. So no clock that jumps, no sleep of this machine and no restart of the database makes
 * anyone look dead. Times are {@link System#nanoTime}; used by one thread.
 */
final class PeerWatch {

    private final NodeId self;
    private final long leaseNanos;
    private final long gapNanos;
    private final Map<NodeId, Sighting> sightings = new HashMap<>();
    private long lastLook;
    private boolean unbroken;

    /** {@code since} is when the look had come back that showed this beat first. */
    private record Sighting(AliveNode node, long since, long lastSentAt) {}

    /** {@code gap}: looks that are further apart than this are not unbroken. */
    PeerWatch(NodeId self, Duration lease, Duration gap) {
        this.self = self;
        this.leaseNanos = lease.toNanos();
        this.gapNanos = gap.toNanos();
    }

    /** A look at all nodes that was sent and came back at these times. */
    void saw(Collection<AliveNode> alive, long sentAt, long cameBackAt) {
        if (!unbroken || cameBackAt - lastLook > gapNanos) {
            sightings.clear();
        }
        unbroken = true;
        lastLook = cameBackAt;
        var present = new HashSet<NodeId>();
        for (var node : alive) {
            if (!node.id().equals(self)) {
                present.add(node.id());
                var before = sightings.get(node.id());
                var since = before != null && before.node.beat() == node.beat() ? before.since : cameBackAt;
                sightings.put(node.id(), new Sighting(node, since, sentAt));
            }
        }
        sightings.keySet().retainAll(present);
    }

    /** A look failed: how long anyone was silent is no longer known. */
    void broken() {
        unbroken = false;
        sightings.clear();
    }

    /** When the next of those that stand still would be silent for the lease: looking then saves up to one interval. */
    OptionalLong nextSilence() {
        return sightings.values().stream()
                .mapToLong(sighting -> sighting.since + leaseNanos)
                .filter(at -> at - lastLook > 0)
                .min();
    }

    /** Who was silent for the lease by the last look. */
    List<AliveNode> silent() {
        return sightings.values().stream()
                .filter(sighting -> sighting.lastSentAt - sighting.since >= leaseNanos)
                .map(Sighting::node)
                .toList();
    }
}
