package dev.orrery.store;

import static dev.orrery.domain.Checks.require;

import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Single tasks that are submitted together: all of them are made, or none. The n-th (from 1 on) gets the id
 * {@code TaskInstanceId.single(base, n)}.
 *
 * @param tasks each behind those of the same submission that it waits for
 * @param key the caller's name for the request, where it may come again
 * @param trace the one that the request was given
 * @param change who asked for it, where the API was asked
 */
public record TaskSubmission(
        TenantId tenant,
        UUID base,
        List<NewTask> tasks,
        Optional<NewRun.Key> key,
        Optional<TraceContext> trace,
        Optional<ChangeRequest> change) {

    /** The most tasks that can be submitted together. */
    public static final int TASKS_MAX = 10_000;

    public TaskSubmission {
        tasks = List.copyOf(tasks);
        require(!tasks.isEmpty() && tasks.size() <= TASKS_MAX, "1..10,000 tasks, were " + tasks.size());
    }

    /** Of a request that was given no trace. */
    public TaskSubmission(TenantId tenant, UUID base, List<NewTask> tasks, Optional<NewRun.Key> key) {
        this(tenant, base, tasks, key, Optional.empty(), Optional.empty());
    }

    /** Of nobody who asked the API. */
    public TaskSubmission(
            TenantId tenant, UUID base, List<NewTask> tasks, Optional<NewRun.Key> key, Optional<TraceContext> trace) {
        this(tenant, base, tasks, key, trace, Optional.empty());
    }
}
