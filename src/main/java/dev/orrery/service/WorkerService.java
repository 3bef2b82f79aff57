package dev.orrery.service;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.Activity;
import dev.orrery.bus.BusMessage.AskStatus;
import dev.orrery.bus.BusMessage.WorkerStatus;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;

/** The workers and what they do. */
public final class WorkerService {

    private static final Duration WORKER_ANSWERS = Duration.ofSeconds(1);

    private final List<WorkerId> workers;
    private final Bus bus;

    public WorkerService(List<WorkerId> workers, Bus bus) {
        this.workers = List.copyOf(workers);
        this.bus = bus;
    }

    /** Asks each of them; one that does not answer is shown as stopped. Workers serve all tenants. */
    public Future<List<WorkerSummary>> list(TenantId tenant, Page page) {
        var answers = workers.stream()
                .sorted(Comparator.comparing((WorkerId worker) -> worker.workerNumber())
                        .reversed())
                .skip(page.offset())
                .limit(page.limit())
                .map(this::ask)
                .toList();
        return Future.all(answers).map(all -> all.<WorkerSummary>list());
    }

    private Future<WorkerSummary> ask(WorkerId worker) {
        return bus.request(Addresses.status(worker), new AskStatus(), WORKER_ANSWERS)
                .otherwise(_ -> new WorkerStatus(worker, Activity.STOPPED, 0, 0))
                .map(status -> new WorkerSummary(
                        worker,
                        worker.nodeId(),
                        status.activity().name().toLowerCase(java.util.Locale.ROOT),
                        status.runningTasks(),
                        status.queueDepth()));
    }
}
