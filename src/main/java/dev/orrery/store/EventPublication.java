package dev.orrery.store;

import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.event.DeliveryOutcome;
import dev.orrery.domain.event.NewEvent;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The events of one request, judged by the handlers of their names, to be published as a whole.
 *
 * @param base the ids of the events are its members, in their order
 * @param change who asked for it, where the API was asked
 */
public record EventPublication(
        TenantId tenant, UUID base, Optional<NewRun.Key> key, List<Judged> events, Optional<ChangeRequest> change) {

    public EventPublication {
        events = List.copyOf(events);
    }

    /** One that nobody asked the API for. */
    public EventPublication(TenantId tenant, UUID base, Optional<NewRun.Key> key, List<Judged> events) {
        this(tenant, base, key, events, Optional.empty());
    }

    /**
     * An event and what its handlers make of it.
     *
     * @param hash tells another event under the same key
     * @param by the handlers that judged it
     * @param filtered those that do not want it
     */
    public record Judged(
            EventId id,
            NewEvent event,
            String hash,
            EventHandlerRepository.Handlers by,
            List<JobId> filtered,
            List<Wanted> wanted) {

        public Judged {
            filtered = List.copyOf(filtered);
            wanted = List.copyOf(wanted);
        }
    }

    /**
     * A handler that wants an event.
     *
     * @param params what the execution is given
     * @param error why it cannot be fired
     * @param debounceKey where it waits for more of this key
     * @param throttleKey whose limit it counts for
     * @param tasks how many the execution has
     */
    public record Wanted(
            JobId handler,
            RunId run,
            Optional<Json> params,
            Optional<String> error,
            Optional<String> debounceKey,
            Optional<String> throttleKey,
            int tasks) {}

    /** What became of a request. */
    public sealed interface Result {

        /** In the order of its events. */
        record Published(List<Outcome> events) implements Result {}

        /** The tenant was deleted. */
        record NoTenant() implements Result {}

        /** Handlers were changed since the events were judged: nothing was done. */
        record Stale() implements Result {}

        /**
         * A key came before with something else: nothing was done.
         *
         * @param events the places of those whose keys they are, from 0 on; none where it is the request's
         */
        record Conflict(List<Integer> events) implements Result {

            public Conflict {
                events = List.copyOf(events);
            }
        }
    }

    /**
     * What became of an event.
     *
     * @param repeated it, or the whole request, came before: what that caused is to be looked up by its id
     * @param outcomes of those that wanted it, in their order; none where it was repeated
     */
    public record Outcome(EventId id, boolean repeated, Instant receivedAt, List<DeliveryOutcome> outcomes) {

        public Outcome {
            outcomes = List.copyOf(outcomes);
        }
    }
}
