package dev.orrery.service.remote;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.TaskType.RemoteWork;
import java.time.Duration;
import java.util.List;

/**
 * A remote worker that has shown its token. Whether it was given up meanwhile is the database's to say.
 *
 * @param handlers what it can do
 * @param slots how many tasks it does at once
 * @param lease how long it may be silent
 */
public record RemoteWorker(
        NodeId member, TenantId tenant, String name, List<String> handlers, int slots, Duration lease) {

    public RemoteWorker {
        handlers = List.copyOf(handlers);
    }

    /** How it is called outside: as attempts and executions name it. */
    public WorkerId id() {
        return idOf(member);
    }

    static WorkerId idOf(NodeId member) {
        return WorkerId.of(member, 1);
    }

    /** The lines in which its tasks wait. */
    List<String> queues() {
        return handlers.stream()
                .map(handler -> RemoteWork.queue(tenant, handler))
                .toList();
    }
}
