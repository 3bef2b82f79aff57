package dev.orrery.api;

import dev.orrery.domain.task.TaskTokens;
import dev.orrery.service.AuditService;
import dev.orrery.service.ClusterService;
import dev.orrery.service.DagService;
import dev.orrery.service.EventFeed;
import dev.orrery.service.EventReplay;
import dev.orrery.service.EventService;
import dev.orrery.service.JobScheduler;
import dev.orrery.service.LockService;
import dev.orrery.service.QueueService;
import dev.orrery.service.RunService;
import dev.orrery.service.TaskCalls;
import dev.orrery.service.TaskQueue;
import dev.orrery.service.TenantService;
import dev.orrery.service.WebhookService;
import dev.orrery.service.WorkerService;
import dev.orrery.service.deadletter.DeadLetterService;
import dev.orrery.service.remote.RemoteWork;
import dev.orrery.service.remote.RemoteWorkers;
import java.util.HashMap;
import java.util.Map;

/** Who answers the operations of the contract. */
public record ApiServices(
        DagService dags,
        RunService runs,
        JobScheduler jobs,
        EventService published,
        EventFeed events,
        WorkerService workers,
        LockService locks,
        QueueService queues,
        ClusterService cluster,
        TenantService tenants,
        RemoteWorkers remoteWorkers,
        RemoteWork remoteWork,
        TaskTokens tokens,
        WebhookService webhooks,
        EventReplay replay,
        TaskQueue queue,
        TaskCalls taskCalls,
        DeadLetterService deadLetters,
        AuditService audit) {

    /** By the contract's operationId. */
    public Map<String, Operation> operations() {
        var all = new HashMap<String, Operation>();
        all.putAll(new DagOperations(dags).byId());
        all.putAll(new RunOperations(dags, runs, events).byId());
        all.putAll(new TaskOperations(runs, remoteWorkers).byId());
        all.putAll(new SingleTaskOperations(queue, remoteWorkers).byId());
        all.putAll(new TaskCallOperations(queue, taskCalls).byId());
        all.putAll(new DeadLetterOperations(deadLetters).byId());
        all.putAll(new JobOperations(jobs, remoteWorkers).byId());
        all.putAll(new EventOperations(published).byId());
        all.putAll(new WorkerOperations(workers).byId());
        all.putAll(new LockOperations(locks).byId());
        all.putAll(new QueueOperations(queues).byId());
        all.putAll(new ClusterOperations(cluster).byId());
        all.putAll(new TenantOperations(tenants).byId());
        all.putAll(new RemoteWorkerOperations(remoteWorkers, remoteWork, tokens).byId());
        all.putAll(new WebhookOperations(webhooks).byId());
        all.putAll(new ReplayOperations(replay).byId());
        all.putAll(new AuditOperations(audit).byId());
        return all;
    }
}
