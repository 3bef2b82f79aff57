package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.store.AuditRepository;
import dev.orrery.store.AuditRepository.Entry;
import dev.orrery.store.AuditRepository.Filter;
import io.vertx.core.Future;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Who changed what. A tenant sees what was changed of its own; the first tenant, which runs the installation, sees what all
 * tenants did, those among them that were deleted.
 */
public final class AuditService {

    private final AuditRepository audit;

    public AuditService(AuditRepository audit) {
        this.audit = requireNonNull(audit, "audit");
    }

    /** The newest first; the cursor is the id of the last one of the part before. Fails with {@code FORBIDDEN} for another tenant's. */
    public Future<CursorPage<Entry>> list(Tenant caller, Filter filter, OptionalLong behind, int limit) {
        var isFirst = caller.id().equals(TenantId.DEFAULT);
        if (!isFirst
                && filter.tenant().filter(name -> !name.equals(caller.name())).isPresent()) {
            return Future.failedFuture(new OrreryException(
                    ErrorCode.FORBIDDEN,
                    "only the tenant 'default' sees what other tenants changed; leave 'tenant' out"));
        }
        var whose = isFirst ? Optional.<TenantId>empty() : Optional.of(caller.id());
        return audit.list(whose, filter, behind, limit + 1).map(found -> {
            var items = found.size() > limit ? found.subList(0, limit) : found;
            return new CursorPage<>(
                    items,
                    found.size() > limit
                            ? Optional.of(Long.toString(items.getLast().id()))
                            : Optional.empty());
        });
    }
}
