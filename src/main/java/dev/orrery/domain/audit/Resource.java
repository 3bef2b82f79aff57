package dev.orrery.domain.audit;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.TenantId;

/**
 * What a change is of.
 *
 * @param tenant whose it is
 * @param id by which the API names it
 */
public record Resource(Kind kind, TenantId tenant, String id) {

    /** What can be changed through the API; what is told of each is in {@code audited_state} of {@code R__audit.sql}. */
    public enum Kind {
        DAG("dag"),
        JOB("job"),
        EVENT_HANDLER("event_handler"),
        QUEUE("queue"),
        LIMIT("limit"),
        WEBHOOK("webhook"),
        TENANT("tenant"),
        NODE("node"),
        REMOTE_WORKER("remote_worker"),
        RUN("run"),
        TASK("task"),
        EVENT("event"),
        DEAD_LETTER("dead_letter"),
        REDRIVE("redrive");

        private final String wireName;

        Kind(String wireName) {
            this.wireName = wireName;
        }

        /** As it is stored and shown. */
        public String wireName() {
            return wireName;
        }
    }

    public Resource {
        requireNonNull(kind, "kind");
        requireNonNull(tenant, "tenant");
        requireNonNull(id, "id");
    }

    /** {@code id}: one whose text is what the API names it by. */
    public static Resource of(Kind kind, TenantId tenant, Object id) {
        return new Resource(kind, tenant, id.toString());
    }
}
