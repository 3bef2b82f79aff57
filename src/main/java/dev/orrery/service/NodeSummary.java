package dev.orrery.service;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.NodeState;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A node as lists show it, by its last heartbeat.
 *
 * @param httpAddress where its API can be reached from elsewhere; absent while it is not known
 * @param slots how many tasks it runs at once
 * @param queueDepth how many tasks wait in its workers' queues
 * @param clockOffsetMillis how far its own clock is ahead of the database's
 */
public record NodeSummary(
        NodeId id,
        String name,
        NodeState state,
        boolean leader,
        String mode,
        String version,
        Optional<String> httpAddress,
        List<String> capabilities,
        Instant startedAt,
        Duration heartbeatAge,
        int slots,
        int runningTasks,
        int queueDepth,
        long clockOffsetMillis) {

    public NodeSummary {
        capabilities = List.copyOf(capabilities);
    }
}
