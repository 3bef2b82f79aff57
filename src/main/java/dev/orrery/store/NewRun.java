package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.dag.Trigger;
import java.time.Instant;
import java.util.Optional;

/**
 * A run that is to be made of a DAG's current version; {@code key} where the same request may come again.
 *
 * @param trace the one it was given
 * @param change who asked for it, where the API was asked
 */
public record NewRun(
        RunId id,
        TenantId tenant,
        DagId dag,
        Trigger trigger,
        Optional<Json> params,
        Optional<Instant> logicalTime,
        Optional<Key> key,
        Optional<TraceContext> trace,
        Optional<ChangeRequest> change) {

    /** A run that begins a trace of its own. */
    public NewRun(
            RunId id,
            TenantId tenant,
            DagId dag,
            Trigger trigger,
            Optional<Json> params,
            Optional<Instant> logicalTime,
            Optional<Key> key) {
        this(id, tenant, dag, trigger, params, logicalTime, key, Optional.empty(), Optional.empty());
    }

    /** One that no request of the API asked for. */
    public NewRun(
            RunId id,
            TenantId tenant,
            DagId dag,
            Trigger trigger,
            Optional<Json> params,
            Optional<Instant> logicalTime,
            Optional<Key> key,
            Optional<TraceContext> trace) {
        this(id, tenant, dag, trigger, params, logicalTime, key, trace, Optional.empty());
    }

    /** A caller's name for a request, unique for its operation; the hash tells another request under the same name. */
    public record Key(String operation, String key, String requestHash) {}

    /** What became of it. */
    public sealed interface Result {

        record Created(RunId id, int dagVersion, String dagName, Instant createdAt) implements Result {}

        /** The key was used for the same request before, which made this run. */
        record Repeated(RunId id) implements Result {}

        /** The key was used for another request. */
        record KeyTaken() implements Result {}

        record NoSuchDag() implements Result {}
    }
}
