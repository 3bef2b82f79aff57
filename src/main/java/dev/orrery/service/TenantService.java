package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.TenantsChanged;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.store.NewRun;
import dev.orrery.store.TenantRepository;
import dev.orrery.store.TenantRepository.StoredTenant;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Tenants: making, listing and deleting them, and finding the one that a request names, which costs a query now and then
 * and not for each request. What is kept of that is told away by the node that deletes a tenant, and short-lived where the
 * word is lost; meanwhile the database itself lets nothing come to be for a tenant that is deleted. From any thread.
 */
public final class TenantService {

    private static final long KEPT_NANOS = Duration.ofSeconds(2).toNanos();
    private static final int KEPT = 1_000;

    /** About so many rows go in one transaction. */
    private static final int PURGE_ROWS = 5_000;

    private final TenantRepository tenants;
    private final Bus bus;

    private record Kept(Tenant tenant, long readAt) {}

    // Guarded by the monitor; found is in the order of use.
    private final LinkedHashMap<String, Kept> found = new LinkedHashMap<>(16, 0.75f, true);
    private final Map<String, Future<Tenant>> reading = new HashMap<>();
    private long changes;

    public TenantService(TenantRepository tenants, Bus bus) {
        this.tenants = requireNonNull(tenants, "tenants");
        this.bus = bus;
        bus.listen(Addresses.TENANTS_CHANGED, _ -> forget());
    }

    /** The tenant of this name: at once where it is at hand. Fails with {@code TENANT_NOT_FOUND}. */
    public Future<Tenant> find(String name) {
        if (name.equals(Tenant.DEFAULT.name())) {
            return Future.succeededFuture(Tenant.DEFAULT);
        }
        synchronized (this) {
            var kept = found.get(name);
            if (kept != null && System.nanoTime() - kept.readAt < KEPT_NANOS) {
                return Future.succeededFuture(kept.tenant);
            }
            var underWay = reading.get(name);
            if (underWay != null) {
                return underWay;
            }
        }
        return read(name);
    }

    private Future<Tenant> read(String name) {
        var began = System.nanoTime();
        long known;
        synchronized (this) {
            known = changes;
        }
        var answer = get(name).map(StoredTenant::tenant);
        synchronized (this) {
            reading.put(name, answer);
        }
        answer.onComplete(read -> {
            synchronized (this) {
                reading.remove(name, answer);
                if (read.failed()) {
                    found.remove(name);
                } else if (known == changes) {
                    found.put(name, new Kept(read.result(), began));
                    if (found.size() > KEPT) {
                        found.pollFirstEntry();
                    }
                }
            }
        });
        return answer;
    }

    private synchronized void forget() {
        changes++;
        found.clear();
        reading.clear();
    }

    /** Fails with {@code CONFLICT} where the name exists. */
    public Future<StoredTenant> create(String name, Optional<RequestKey> key) {
        return create(tenants, name, key);
    }

    /** The same, as this request asks for it: the audit log tells of it. */
    public Future<StoredTenant> create(String name, Optional<RequestKey> key, ChangeRequest request) {
        return create(tenants.by(request), name, key);
    }

    private static Future<StoredTenant> create(TenantRepository tenants, String name, Optional<RequestKey> key) {
        return tenants.create(
                name, key.map(given -> new NewRun.Key(given.operation(), given.key(), given.requestHash())));
    }

    public Future<StoredTenant> get(String name) {
        return tenants.get(name).map(tenant -> tenant.orElseThrow(() -> noTenant(name)));
    }

    /** By name; the cursor is the name that the part before ended with. */
    public Future<CursorPage<StoredTenant>> list(Optional<String> cursor, int limit) {
        return tenants.list(cursor.orElse(""), limit + 1).map(read -> {
            var items = read.stream().limit(limit).toList();
            var next =
                    read.size() > limit ? Optional.of(items.getLast().tenant().name()) : Optional.<String>empty();
            return new CursorPage<>(items, next);
        });
    }

    /**
     * Deletes a tenant with all it has. It is gone for everyone at once and its name is free; what runs for it is cancelled,
     * and its rows go in small transactions. Fails with {@code CONFLICT} for the default one.
     */
    public Future<Void> delete(String name) {
        return delete(tenants, name);
    }

    /** The same, as this request asks for it: the audit log tells of it. */
    public Future<Void> delete(String name, ChangeRequest request) {
        return delete(tenants.by(request), name);
    }

    private Future<Void> delete(TenantRepository tenants, String name) {
        return tenants.hide(name).compose(deletion -> switch (deletion) {
            case HIDDEN -> {
                forget();
                bus.publish(Addresses.TENANTS_CHANGED, new TenantsChanged());
                yield Future.succeededFuture();
            }
            case REFUSED ->
                Future.failedFuture(new OrreryException(
                        ErrorCode.CONFLICT,
                        "the tenant '" + name + "' cannot be deleted: it is meant where none is named"));
            case UNKNOWN -> Future.failedFuture(noTenant(name));
        });
    }

    /** Takes deleted tenants apart by one bite; answers whether there was anything to do. For the leader, under its epoch. */
    public Future<Boolean> purgeDeleted(long epoch) {
        return tenants.purgeHidden(PURGE_ROWS, epoch).map(purged -> {
            if (purged.cancelsAsked()) {
                bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked());
            }
            if (!purged.readyQueues().isEmpty()) {
                bus.publish(Addresses.WORK_READY, new WorkReady(purged.readyQueues()));
            }
            return purged.isAny();
        });
    }

    private static OrreryException noTenant(String name) {
        return new OrreryException(
                ErrorCode.TENANT_NOT_FOUND, "there is no tenant '" + name + "'; make it with POST /api/v1/tenants");
    }
}
