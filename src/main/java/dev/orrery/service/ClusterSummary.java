package dev.orrery.service;

import dev.orrery.domain.NodeId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * All nodes as one.
 *
 * @param id of the database, which is what the nodes share
 * @param mode {@code standalone} or {@code cluster}
 * @param leader absent while nobody leads
 * @param epoch of the latest leader
 * @param nodes how many beat, those that drain among them
 * @param silentNodes how many do not, and have not been given up yet
 * @param versions of the nodes that beat
 */
public record ClusterSummary(
        UUID id,
        String mode,
        Optional<NodeId> leader,
        long epoch,
        Optional<Instant> leaderSince,
        long nodes,
        long drainingNodes,
        long silentNodes,
        List<String> versions,
        long slots,
        long runningTasks,
        long queueDepth) {

    public ClusterSummary {
        versions = List.copyOf(versions);
    }
}
