package dev.orrery.service;

import dev.orrery.domain.TenantId;
import dev.orrery.store.LockRepository;
import dev.orrery.store.LockRepository.Holder;
import dev.orrery.store.LockRepository.StoredLock;
import io.vertx.core.Future;
import java.util.Optional;

/** The named locks of tasks and DAGs. */
public final class LockService {

    private final LockRepository locks;

    public LockService(LockRepository locks) {
        this.locks = locks;
    }

    /** All that any DAG has named, by name; the cursor is the name that the part before ended with. */
    public Future<CursorPage<LockSummary>> list(TenantId tenant, Optional<String> cursor, int limit) {
        return locks.list(tenant, cursor.orElse(""), limit + 1).map(found -> {
            var items = found.stream().limit(limit).map(LockService::summary).toList();
            var next = found.size() > limit ? Optional.of(items.getLast().name().value()) : Optional.<String>empty();
            return new CursorPage<>(items, next);
        });
    }

    private static LockSummary summary(StoredLock lock) {
        return new LockSummary(
                lock.name(),
                lock.fence(),
                lock.holder().map(Holder::run),
                lock.holder().map(Holder::dagName),
                lock.holder().flatMap(Holder::task),
                lock.holder().map(Holder::since),
                lock.waiting());
    }
}
