package dev.orrery.service;

import dev.orrery.domain.TenantId;
import dev.orrery.store.Batcher;
import dev.orrery.store.EventHandlerRepository;
import dev.orrery.store.EventHandlerRepository.Handlers;
import dev.orrery.store.StoreFailures;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The enabled handlers of events' names, remembered as far as they are few. What is remembered may be out of date: publishing
 * finds out, and {@link #forget} makes room for what is true. From any thread.
 */
final class EventHandlers {

    /** In characters of their expressions, with so many for each name and each handler. */
    private static final long KEPT_WEIGHT = 500_000;

    private static final long ENTRY_WEIGHT = 200;

    private record Name(TenantId tenant, String event) {}

    private final Vertx vertx;
    private final EventHandlerRepository repository;
    private final Batcher<Name, EventJudge> lookups;

    // Guarded by the monitor; the last that was used is the last.
    private final Map<Name, EventJudge> kept = new LinkedHashMap<>(16, 0.75f, true);
    private long weight;

    EventHandlers(Vertx vertx, EventHandlerRepository repository) {
        this.vertx = vertx;
        this.repository = repository;
        this.lookups = new Batcher<>(
                "events",
                new Batcher.Limits(50, Long.MAX_VALUE, 2, 10_000, Long.MAX_VALUE),
                _ -> 1,
                this::load,
                StoreFailures::isLasting);
    }

    /** Those of each of the names. */
    Future<Map<String, EventJudge>> of(TenantId tenant, Set<String> names) {
        var found = new HashMap<String, EventJudge>();
        var missing = names.stream()
                .map(name -> new Name(tenant, name))
                .filter(name -> !find(name, found))
                .toList();
        if (missing.isEmpty()) {
            return Future.succeededFuture(found);
        }
        return Future.all(missing.stream().map(lookups::add).toList()).map(all -> {
            for (var n = 0; n < missing.size(); n++) {
                found.put(missing.get(n).event(), all.resultAt(n));
            }
            return found;
        });
    }

    /** They are no longer those that were judged by. */
    synchronized void forget(TenantId tenant, Collection<EventJudge> stale) {
        for (var judge : stale) {
            var name = new Name(tenant, judge.handlers().eventName());
            if (kept.get(name) == judge) {
                kept.remove(name);
                weight -= weight(judge);
            }
        }
    }

    private synchronized boolean find(Name name, Map<String, EventJudge> found) {
        var known = kept.get(name);
        if (known != null) {
            found.put(name.event(), known);
        }
        return known != null;
    }

    private synchronized void keep(Name name, EventJudge judge) {
        var before = kept.put(name, judge);
        weight += weight(judge) - (before == null ? 0 : weight(before));
        var eldest = kept.entrySet().iterator();
        while (weight > KEPT_WEIGHT && kept.size() > 1) {
            weight -= weight(eldest.next().getValue());
            eldest.remove();
        }
    }

    private static long weight(EventJudge judge) {
        return ENTRY_WEIGHT
                + judge.handlers().enabled().stream()
                        .mapToLong(handler -> ENTRY_WEIGHT + handler.rule().weight())
                        .sum();
    }

    /** Each name once, whoever asks for it. */
    private Future<List<EventJudge>> load(List<Name> names) {
        var distinct = names.stream().distinct().toList();
        return Future.all(distinct.stream().map(this::load).toList())
                .map(all -> names.stream()
                        .map(name -> all.<EventJudge>resultAt(distinct.indexOf(name)))
                        .toList());
    }

    private Future<EventJudge> load(Name name) {
        return repository
                .enabled(name.tenant(), name.event())
                .compose(this::compiled)
                .onSuccess(judge -> keep(name, judge));
    }

    private Future<EventJudge> compiled(Handlers handlers) {
        return vertx.executeBlocking(() -> new EventJudge(handlers), false);
    }
}
