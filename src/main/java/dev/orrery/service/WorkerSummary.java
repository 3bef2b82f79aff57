package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.WorkerId;

/**
 * A worker of any node.
 *
 * @param status {@code idle}, {@code running}, {@code draining} or {@code stopped}
 * @param runningTasks how many it executes now
 * @param queueDepth how many wait in its queue
 */
public record WorkerSummary(WorkerId id, NodeId nodeId, String status, int runningTasks, int queueDepth) {

    public WorkerSummary {
        requireNonNull(id, "id");
        requireNonNull(nodeId, "nodeId");
        requireNonNull(status, "status");
    }
}
