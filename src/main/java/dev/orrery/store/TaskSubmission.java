package dev.orrery.store;

import dev.orrery.domain.TenantId;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Single tasks that are submitted together: all of them are made, or none. The n-th (from 1 on) gets the id
 * {@code TaskInstanceId.single(base, n)}.
 *
 * @param key the caller's name for the request, where it may come again
 */
public record TaskSubmission(TenantId tenant, UUID base, List<NewTask> tasks, Optional<NewRun.Key> key) {

    public TaskSubmission {
        tasks = List.copyOf(tasks);
    }
}
