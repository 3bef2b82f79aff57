package dev.orrery.coordination;

import dev.orrery.domain.NodeId;
import dev.orrery.store.NodeRepository.RemoteMember;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Tells which remote workers are silent: their counter stood still for their lease, by this process's monotonic clock and over
 * unbroken looks. So while no node was there to be told of a heartbeat, and while the database was away, nobody fell silent.
 * They are in no coordination service: a worker learns by its next call that it was given up, and ends what runs by itself
 * when its own lease is over. Times are {@link System#nanoTime}; used by one thread.
 */
final class RemoteWatch {

    private final long gapNanos;
    private Map<NodeId, Sighting> sightings = Map.of();
    private long lastLook;
    private boolean unbroken;

    /** {@code since} is when the look had come back that showed this beat first. */
    private record Sighting(RemoteMember member, long since, long lastSentAt) {

        private boolean isSilent() {
            return lastSentAt - since >= member.lease().toNanos();
        }
    }

    /** {@code gap}: looks that are further apart than this are not unbroken. */
    RemoteWatch(Duration gap) {
        this.gapNanos = gap.toNanos();
    }

    /** A look at all that are not given up, which was sent and came back at these times. */
    void saw(Collection<RemoteMember> members, long sentAt, long cameBackAt) {
        var isFirst = !unbroken || cameBackAt - lastLook > gapNanos;
        unbroken = true;
        lastLook = cameBackAt;
        Map<NodeId, Sighting> now = HashMap.newHashMap(members.size());
        for (var member : members) {
            var before = isFirst ? null : sightings.get(member.id());
            var since = before != null && before.member.beat() == member.beat() ? before.since : cameBackAt;
            now.put(member.id(), new Sighting(member, since, sentAt));
        }
        sightings = now;
    }

    /** A look failed: how long anyone was silent is no longer known. */
    void broken() {
        unbroken = false;
    }

    /** Who was silent for its lease by the last look. */
    List<RemoteMember> silent() {
        return sightings.values().stream()
                .filter(Sighting::isSilent)
                .map(Sighting::member)
                .toList();
    }
}
