package dev.orrery.store;

import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.event.NewEvent;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** Reads events that are to be published once more. */
public final class ReplayRepository {

    /** So many bytes of payloads are read at once; one event always is. */
    private static final long BYTES_MAX = 16 << 20;

    // What is a replay itself, and what is yet to come, is left out: no replay feeds on what it makes.
    // language=PostgreSQL
    static final String LIST = """
            SELECT x.id, x.name, x.payload, x.source, x.received_at, x.place < x.found AS more
            FROM (
                SELECT e.id, e.name, e.payload, e.source, e.received_at,
                       row_number() OVER w AS place,
                       count(*) OVER () AS found,
                       sum(octet_length(e.payload)) OVER w AS bytes
                FROM (
                    SELECT o.id, o.name, o.payload::text AS payload, o.source, o.received_at
                    FROM events o
                    WHERE o.tenant_id = $1 AND o.name = $2 AND o.received_at >= $3
                      AND o.received_at < least($4, clock_timestamp())
                      AND (o.received_at, o.id) > ($5, $6)
                      AND o.replay_of IS NULL
                    ORDER BY o.received_at, o.id
                    LIMIT $7 + 1) e
                WINDOW w AS (ORDER BY e.received_at, e.id)) x
            WHERE x.place <= $7 AND (x.bytes <= $8 OR x.place = 1)
            ORDER BY x.received_at, x.id
            """;

    private static final UUID FIRST = new UUID(0, 0);

    private final Sql sql;

    public ReplayRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** A place in the order of time. */
    public record Position(Instant receivedAt, UUID id) {}

    /**
     * Which events, in the order of time.
     *
     * @param to excluded
     * @param behind only those that come after it
     */
    public record Range(String name, Instant from, Instant to, Optional<Position> behind, int limit) {}

    /**
     * An event that was published before.
     *
     * @param more whether others of the range come behind it
     */
    public record Past(
            EventId id, String name, Json payload, Optional<String> source, Instant receivedAt, boolean more) {

        /** The same once more, under no key, for these handlers alone where they are named. */
        public NewEvent again(Optional<Set<JobId>> handlers) {
            return new NewEvent(name, payload, Optional.empty(), source, Optional.empty(), Optional.of(id), handlers);
        }
    }

    public Future<List<Past>> list(TenantId tenant, Range range) {
        var behind = range.behind().orElse(new Position(Instant.EPOCH, FIRST));
        var parameters = Tuple.of(tenant.value(), Texts.clean(range.name()))
                .addValue(range.from().atOffset(ZoneOffset.UTC))
                .addValue(range.to().atOffset(ZoneOffset.UTC))
                .addValue(behind.receivedAt().atOffset(ZoneOffset.UTC))
                .addValue(behind.id())
                .addValue(range.limit())
                .addValue(BYTES_MAX);
        return sql.run(LIST, parameters).map(rows -> Rows.list(rows, ReplayRepository::past));
    }

    private static Past past(Row row) {
        return new Past(
                new EventId(row.getUUID("id")),
                row.getString("name"),
                new Json(row.getString("payload")),
                Optional.ofNullable(row.getString("source")),
                Rows.time(row, "received_at"),
                row.getBoolean("more"));
    }
}
