package dev.orrery.service;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.task.Limit;
import dev.orrery.store.NewRun;
import dev.orrery.store.QueueRepository;
import dev.orrery.store.QueueRepository.KeyLimit;
import dev.orrery.store.QueueRepository.StoredQueue;
import io.vertx.core.Future;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * What queues and keys allow. A queue is a line that all tenants share, as they share the nodes that serve it: how it is
 * limited, weighed and paused is a matter of the installation, and only the first tenant may set it ({@code SHARED_QUEUE}).
 * So no tenant can stop another one. For what is a tenant's own it has DAGs and keys.
 */
public final class QueueService {

    private final QueueRepository queues;
    private final Bus bus;

    public QueueService(QueueRepository queues, Bus bus) {
        this.queues = queues;
        this.bus = bus;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public QueueService by(ChangeRequest request) {
        return new QueueService(queues.by(request), bus);
    }

    /** By name; the cursor is the name that the part before ended with. */
    public Future<CursorPage<StoredQueue>> list(TenantId tenant, Optional<String> cursor, int limit) {
        return queues.list(tenant, cursor.orElse(""), limit + 1).map(found -> page(found, limit, StoredQueue::name));
    }

    /** Fails with {@code QUEUE_NOT_FOUND}. */
    public Future<StoredQueue> get(TenantId tenant, String name) {
        return queues.get(tenant, name)
                .compose(found ->
                        found.map(Future::succeededFuture).orElseGet(() -> Future.failedFuture(noQueue(name))));
    }

    /** Sets both, and makes the queue where there is none. */
    public Future<StoredQueue> set(TenantId tenant, String name, int weight, Limit limit) {
        return allowed(tenant, name)
                .compose(_ -> queues.set(name, weight, limit))
                .compose(_ -> get(tenant, name))
                .onSuccess(_ -> look(Set.of(name)));
    }

    /** Forgets what was set; a paused queue goes on. */
    public Future<Void> reset(TenantId tenant, String name) {
        return allowed(tenant, name)
                .compose(_ -> queues.reset(name))
                .compose(wasSet ->
                        wasSet ? Future.succeededFuture() : get(tenant, name).mapEmpty())
                .onSuccess(_ -> look(Set.of(name)))
                .mapEmpty();
    }

    /** Nothing more of it is claimed; what runs goes on. */
    public Future<StoredQueue> pause(TenantId tenant, String name, Optional<RequestKey> key) {
        return pause(tenant, name, true, key);
    }

    public Future<StoredQueue> resume(TenantId tenant, String name, Optional<RequestKey> key) {
        return pause(tenant, name, false, key).onSuccess(_ -> look(Set.of(name)));
    }

    private Future<StoredQueue> pause(TenantId tenant, String name, boolean paused, Optional<RequestKey> key) {
        var stored = key.map(given -> new NewRun.Key(given.operation(), given.key(), given.requestHash()));
        return allowed(tenant, name)
                .compose(_ -> queues.pause(name, paused, stored))
                .compose(known -> known ? get(tenant, name) : Future.failedFuture(noQueue(name)));
    }

    private static Future<Void> allowed(TenantId tenant, String name) {
        return tenant.equals(TenantId.DEFAULT)
                ? Future.succeededFuture()
                : Future.failedFuture(new OrreryException(
                        ErrorCode.SHARED_QUEUE,
                        "the queue " + Quoted.of(name)
                                + " is shared by all tenants, and only 'default' may change it"));
    }

    /** What is set for keys, by key; the cursor is the key that the part before ended with. */
    public Future<CursorPage<KeyLimit>> limits(TenantId tenant, Optional<String> cursor, int limit) {
        return queues.limits(tenant, cursor.orElse(""), limit + 1).map(found -> page(found, limit, KeyLimit::key));
    }

    /** Fails with {@code LIMIT_NOT_FOUND}. */
    public Future<KeyLimit> limit(TenantId tenant, String key) {
        return queues.limit(tenant, key)
                .compose(
                        found -> found.map(Future::succeededFuture).orElseGet(() -> Future.failedFuture(noLimit(key))));
    }

    /** For the key, or for all that begin so where it ends in {@code *}; {@code CONFLICT} where there are too many. */
    public Future<KeyLimit> setLimit(TenantId tenant, String key, Limit limit) {
        return queues.setLimit(tenant, key, limit)
                .map(_ -> new KeyLimit(key, limit))
                .onSuccess(_ -> wake());
    }

    /** Fails with {@code LIMIT_NOT_FOUND}. */
    public Future<Void> deleteLimit(TenantId tenant, String key) {
        return queues.deleteLimit(tenant, key)
                .compose(known -> known ? Future.<Void>succeededFuture() : Future.failedFuture(noLimit(key)))
                .onSuccess(_ -> wake());
    }

    private void look(Set<String> names) {
        bus.publish(Addresses.WORK_READY, new WorkReady(names));
    }

    /** Those who wait are called by whoever moves what is due. */
    private void wake() {
        bus.publish(Addresses.RETRY_DUE, new RetryDue(0));
    }

    private static <T> CursorPage<T> page(List<T> found, int limit, Function<T, String> name) {
        var items = found.stream().limit(limit).toList();
        return new CursorPage<>(
                items, found.size() > limit ? Optional.of(name.apply(items.getLast())) : Optional.empty());
    }

    private static OrreryException noQueue(String name) {
        return new OrreryException(
                ErrorCode.QUEUE_NOT_FOUND, "there is no queue " + Quoted.of(name) + "; GET /api/v1/queues lists them");
    }

    private static OrreryException noLimit(String key) {
        return new OrreryException(
                ErrorCode.LIMIT_NOT_FOUND,
                "nothing is set for the key " + Quoted.of(key) + "; GET /api/v1/limits lists what is");
    }
}
