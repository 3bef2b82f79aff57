package dev.orrery.service;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.Activity;
import dev.orrery.bus.BusMessage.AskStatus;
import dev.orrery.bus.BusMessage.WorkerStatus;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import dev.orrery.store.ClusterRepository;
import dev.orrery.store.ClusterRepository.StoredWorker;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** The workers of all nodes and what they do. */
public final class WorkerService {

    private static final Duration WORKER_ANSWERS = Duration.ofSeconds(1);

    private final NodeId self;
    private final List<WorkerId> workers;
    private final ClusterRepository nodes;
    private final Bus bus;

    /** {@code workers}: those of this node, {@code self}. */
    public WorkerService(NodeId self, List<WorkerId> workers, ClusterRepository nodes, Bus bus) {
        this.self = self;
        this.workers = List.copyOf(workers);
        this.nodes = nodes;
        this.bus = bus;
    }

    /**
     * Those of the newest node first. The workers of this node are asked, and one that does not answer is shown as stopped;
     * of the others' it is told what their node's last heartbeat said. Workers serve all tenants.
     */
    public Future<List<WorkerSummary>> list(TenantId tenant, Page page) {
        return nodes.workers(self, workers.size(), page.limit(), page.offset())
                .compose(found -> Future.all(found.stream()
                        .map(worker -> worker.id().nodeId().equals(self)
                                ? ask(worker.id())
                                : Future.succeededFuture(told(worker)))
                        .toList()))
                .map(all -> all.<WorkerSummary>list());
    }

    private static WorkerSummary told(StoredWorker worker) {
        return new WorkerSummary(
                worker.id(), worker.id().nodeId(), worker.activity(), worker.running(), worker.queued());
    }

    private Future<WorkerSummary> ask(WorkerId worker) {
        return bus.request(Addresses.status(worker), new AskStatus(), WORKER_ANSWERS)
                .otherwise(_ -> new WorkerStatus(worker, Activity.STOPPED, 0, 0))
                .map(status -> new WorkerSummary(
                        worker,
                        self,
                        status.activity().name().toLowerCase(Locale.ROOT),
                        status.runningTasks(),
                        status.queueDepth()));
    }
}
