package dev.orrery.store;

import dev.orrery.domain.NodeId;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * What the database knows of its nodes.
 *
 * @param database its id
 * @param epoch that of the last leader
 * @param leader who leads, by the database
 * @param alive whose heartbeats arrive
 * @param takingWork those of them that do not drain
 * @param names of all that are known
 */
public record ClusterRows(
        UUID database,
        long epoch,
        Optional<NodeId> leader,
        Set<NodeId> alive,
        Set<NodeId> takingWork,
        Map<NodeId, String> names) {

    public ClusterRows {
        alive = Set.copyOf(alive);
        takingWork = Set.copyOf(takingWork);
        names = Map.copyOf(names);
    }
}
