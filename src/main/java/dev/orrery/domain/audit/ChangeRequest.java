package dev.orrery.domain.audit;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import java.util.Optional;

/**
 * A request that may change something: what the audit log tells of it beside the change itself.
 *
 * @param tenant whose data it is about
 * @param operation the contract's operationId
 * @param address where it came from, as the node sees it: that of a proxy where one stands between
 * @param trace the caller's place in a trace
 * @param key the caller's Idempotency-Key
 */
public record ChangeRequest(
        Tenant tenant,
        String operation,
        Actor actor,
        Optional<String> address,
        Optional<TraceContext> trace,
        Optional<String> key) {

    public ChangeRequest {
        requireNonNull(tenant, "tenant");
        requireNonNull(operation, "operation");
        requireNonNull(actor, "actor");
        requireNonNull(address, "address");
        requireNonNull(trace, "trace");
        requireNonNull(key, "key");
    }

    /** The same, about the data of another tenant. */
    public ChangeRequest of(Tenant other) {
        return new ChangeRequest(other, operation, actor, address, trace, key);
    }
}
