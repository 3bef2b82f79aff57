package dev.orrery.store;

import dev.orrery.domain.Json;
import dev.orrery.domain.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Reads the audit log. It is written by what changes something, in its transaction: see {@link Sql} and {@link AuditedTraffic}. */
public final class AuditRepository {

    private static final String COLUMNS = """
            a.id, a.recorded_at, a.tenant, a.actor, a.actor_name, a.operation, a.kind, a.resource, a.requests, a.refs,
                   a.address, a.trace, a.idempotency_key, a.before::text AS before, a.after::text AS after
            """;

    private static final String MATCHES = """
              AND ($2::text IS NULL OR a.tenant = $2)
              AND ($3::text IS NULL OR a.actor = $3 OR a.actor_name = $3)
              AND ($4::text IS NULL OR a.operation = $4)
              AND ($5::text IS NULL OR a.kind = $5)
              AND ($6::timestamptz IS NULL OR a.recorded_at >= $6)
              AND ($7::timestamptz IS NULL OR a.recorded_at < $7)
              AND ($8::bigint IS NULL OR a.id < $8)
            ORDER BY a.id DESC
            LIMIT $9
            """;

    // One list for each way in, so that each has its own index and none is planned for the others.
    // language=PostgreSQL
    static final String LIST = "SELECT " + COLUMNS + "FROM audit_log a\nWHERE $1::int IS NULL\n" + MATCHES;

    // language=PostgreSQL
    static final String LIST_OF_TENANT = "SELECT " + COLUMNS + "FROM audit_log a\nWHERE a.tenant_id = $1\n" + MATCHES;

    // What requests by the thousand made has no row of its own. Its id is about the time at which it was made, and that
    // of
    // its request but for the last 32 bits.
    // language=PostgreSQL
    static final String LIST_OF_RESOURCE = "SELECT " + COLUMNS + """
            FROM (SELECT x.* FROM audit_log x WHERE x.resource = $10
                  UNION ALL
                  SELECT x.* FROM audit_log x
                  WHERE x.refs && ARRAY[$11::uuid, run_of($11)]
                    AND x.recorded_at >= time_of_id($11) - interval '10 minutes'
                    AND x.recorded_at < time_of_id($11) + interval '10 minutes') a
            WHERE ($1::int IS NULL OR a.tenant_id = $1)
            """ + MATCHES;

    // language=PostgreSQL
    static final String PURGE =
            "SELECT purge_audit($1::bigint * interval '1 millisecond', $2) AS more FROM require_epoch($3)";

    private final Sql sql;

    public AuditRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * Which entries; what is absent makes no difference.
     *
     * @param tenant by name: one that was deleted has entries too
     * @param actor what it proved itself by, or who it said that it is
     * @param resource an id or a name; also that of something that one of many requests made
     * @param to excluded
     */
    public record Filter(
            Optional<String> tenant,
            Optional<String> actor,
            Optional<String> operation,
            Optional<String> kind,
            Optional<String> resource,
            Optional<Instant> from,
            Optional<Instant> to) {}

    /**
     * What was changed.
     *
     * @param resource absent where requests made many things
     * @param requests how many one entry stands for
     * @param made what each of the requests made: a run, the first of its tasks or events but for the number in the last 32 bits
     * @param before absent where the resource came to be
     * @param after absent where it is gone
     */
    public record Entry(
            long id,
            Instant at,
            String tenant,
            String actor,
            Optional<String> actorName,
            String operation,
            String kind,
            Optional<String> resource,
            int requests,
            List<UUID> made,
            Optional<String> address,
            Optional<String> trace,
            Optional<String> idempotencyKey,
            Optional<Json> before,
            Optional<Json> after) {

        public Entry {
            made = List.copyOf(made);
        }
    }

    /** The newest first, behind this one; of all tenants where none is given. */
    public Future<List<Entry>> list(Optional<TenantId> tenant, Filter filter, OptionalLong behind, int limit) {
        var parameters = Tuple.tuple()
                .addInteger(tenant.map(TenantId::value).orElse(null))
                .addString(filter.tenant().orElse(null))
                .addString(filter.actor().orElse(null))
                .addString(filter.operation().orElse(null))
                .addString(filter.kind().orElse(null))
                .addOffsetDateTime(time(filter.from()))
                .addOffsetDateTime(time(filter.to()))
                .addLong(behind.isPresent() ? behind.getAsLong() : null)
                .addInteger(limit);
        if (filter.resource().isPresent()) {
            var resource = filter.resource().get();
            parameters.addString(resource).addUUID(uuid(resource));
            return read(LIST_OF_RESOURCE, parameters);
        }
        return read(tenant.isPresent() ? LIST_OF_TENANT : LIST, parameters);
    }

    private Future<List<Entry>> read(String statement, Tuple parameters) {
        return sql.run(statement, parameters).map(rows -> Rows.list(rows, AuditRepository::entry));
    }

    /** Forgets what is older than this, some at a time; true where there may be more. For the leader, under its epoch. */
    public Future<Boolean> purgeOld(Duration age, int limit, long epoch) {
        return sql.run(PURGE, Tuple.of(age.toMillis(), limit, epoch))
                .map(rows -> rows.iterator().next().getBoolean("more"));
    }

    private static java.time.@Nullable OffsetDateTime time(Optional<Instant> time) {
        return time.map(at -> at.atOffset(ZoneOffset.UTC)).orElse(null);
    }

    private static @Nullable UUID uuid(String text) {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException _) {
            return null;
        }
    }

    private static Entry entry(Row row) {
        var made = row.getArrayOfUUIDs("refs");
        return new Entry(
                row.getLong("id"),
                Rows.time(row, "recorded_at"),
                row.getString("tenant"),
                row.getString("actor"),
                Optional.ofNullable(row.getString("actor_name")),
                row.getString("operation"),
                row.getString("kind"),
                Optional.ofNullable(row.getString("resource")),
                row.getInteger("requests"),
                made == null ? List.of() : List.of(made),
                Optional.ofNullable(row.getString("address")),
                Optional.ofNullable(row.getString("trace")),
                Optional.ofNullable(row.getString("idempotency_key")),
                Optional.ofNullable(row.getString("before")).map(Json::new),
                Optional.ofNullable(row.getString("after")).map(Json::new));
    }
}
