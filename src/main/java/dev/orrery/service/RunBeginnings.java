package dev.orrery.service;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.LinkedHashMap;
import java.util.function.BiFunction;

/**
 * Reads how runs stand, for those who begin to watch them: few at a time, since a large run is much to read, and once for all
 * who wait for the same one. So a crowd that comes at once takes neither the connections nor the memory of others. Belongs to
 * the event loop of its feed.
 */
final class RunBeginnings {

    private static final int READ_AT_ONCE = 2;

    private final BiFunction<TenantId, RunId, Future<RunBeginning>> reader;

    /** Whoever comes while one is read waits for the next one: what it is told must not be older than its question. */
    private final LinkedHashMap<Asked, Promise<RunBeginning>> waiting = new LinkedHashMap<>();

    private int reading;

    private record Asked(TenantId tenant, RunId run) {}

    /** {@code reader} answers on the event loop of the feed. */
    RunBeginnings(BiFunction<TenantId, RunId, Future<RunBeginning>> reader) {
        this.reader = reader;
    }

    /** As many may wait as there are readers. */
    Future<RunBeginning> of(TenantId tenant, RunId run) {
        var answer = waiting.computeIfAbsent(new Asked(tenant, run), _ -> Promise.promise());
        readNext();
        return answer.future();
    }

    private void readNext() {
        if (reading == READ_AT_ONCE || waiting.isEmpty()) {
            return;
        }
        var next = waiting.pollFirstEntry();
        reading++;
        reader.apply(next.getKey().tenant(), next.getKey().run()).onComplete((begun, failure) -> {
            reading--;
            next.getValue().complete(begun, failure);
            readNext();
        });
    }
}
