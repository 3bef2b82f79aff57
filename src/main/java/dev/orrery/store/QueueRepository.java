package dev.orrery.store;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.task.Limit;
import dev.orrery.domain.task.Rate;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What queues and keys allow. A queue is a line that all tenants share, as they share the nodes that serve it: what is set for
 * it holds for all, and callers see to it that only the first tenant sets it. Keys are each tenant's own. How limits are kept
 * is told in {@code R__limits.sql}.
 */
public final class QueueRepository {

    /** How many settings of keys a tenant may have: a claim compares its keys with all of them. */
    public static final int LIMITS_MAX = 100;

    // The queues that the tenant's DAGs and single tasks have named; the first tenant sees all there are.
    // language=PostgreSQL
    static final String LIST_QUEUES = """
            SELECT q.name, coalesce(l.weight, 1) AS weight, l.max_running, l.rate_limit, l.rate_ms,
                   coalesce(l.is_paused, false) AS is_paused,
                   CASE WHEN l.max_running IS NOT NULL
                        THEN (SELECT count(*) FROM limit_holders h WHERE h.limit_id = l.id) END AS running
            FROM ((SELECT x.name FROM queues x WHERE $1 = 1 AND x.name > $2 ORDER BY x.name LIMIT $3)
                  UNION (SELECT x.name FROM tenant_queues x WHERE x.tenant_id = $1 AND x.name > $2 ORDER BY x.name LIMIT $3)
                  UNION SELECT x.name FROM queues x WHERE x.name = 'default' AND x.name > $2) q
            LEFT JOIN limits l ON l.tenant_id = 1 AND l.kind = 'queue' AND l.name = q.name
            ORDER BY q.name
            LIMIT $3
            """;

    // language=PostgreSQL
    static final String GET_QUEUE = """
            SELECT q.name, coalesce(l.weight, 1) AS weight, l.max_running, l.rate_limit, l.rate_ms,
                   coalesce(l.is_paused, false) AS is_paused,
                   CASE WHEN l.max_running IS NOT NULL
                        THEN (SELECT count(*) FROM limit_holders h WHERE h.limit_id = l.id) END AS running
            FROM queues q
            LEFT JOIN limits l ON l.tenant_id = 1 AND l.kind = 'queue' AND l.name = q.name
            WHERE q.name = $2 AND ($1 = 1 OR q.name = 'default' OR EXISTS (
                SELECT FROM tenant_queues t WHERE t.tenant_id = $1 AND t.name = q.name))
            """;

    // language=PostgreSQL
    static final String SET_QUEUE = "SELECT set_queue($1, $2, $3, $4, $5)";

    // language=PostgreSQL
    static final String PAUSE_QUEUE = "SELECT pause_queue($1, $2) AS known";

    // language=PostgreSQL
    static final String PURGE_IDLE_KEYS = "SELECT purge_idle_keys($1) AS count FROM require_epoch($2)";

    // language=PostgreSQL
    static final String RESET_QUEUE = "SELECT reset_queue($1) AS known";

    // language=PostgreSQL
    static final String LIST_LIMITS = """
            SELECT r.pattern, r.max_running, r.rate_limit, r.rate_ms
            FROM limit_rules r
            WHERE r.tenant_id = $1 AND r.pattern > $2
            ORDER BY r.pattern
            LIMIT $3
            """;

    // language=PostgreSQL
    static final String GET_LIMIT = """
            SELECT r.pattern, r.max_running, r.rate_limit, r.rate_ms
            FROM limit_rules r
            WHERE r.tenant_id = $1 AND r.pattern = $2
            """;

    // language=PostgreSQL
    static final String SET_LIMIT = "SELECT set_limit($1, $2, $3, $4, $5, $6) AS verdict";

    // language=PostgreSQL
    static final String DELETE_LIMIT = "SELECT delete_limit($1, $2) AS known";

    private final Sql sql;

    public QueueRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    private QueueRepository(Sql sql) {
        this.sql = sql;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public QueueRepository by(ChangeRequest request) {
        return new QueueRepository(sql.by(request));
    }

    /**
     * A queue and what is set for it.
     *
     * @param weight its share among queues, 1 where nothing else was set
     * @param running how many of its tasks are claimed; told where {@code limit} counts them
     */
    public record StoredQueue(String name, int weight, Limit limit, boolean paused, OptionalInt running) {}

    /** What is set for a key, or for all that begin so where the last character is {@code *}. */
    public record KeyLimit(String key, Limit limit) {}

    /** Queues by name, those behind {@code after}: all for the first tenant, for others those that theirs have named. */
    public Future<List<StoredQueue>> list(TenantId tenant, String after, int limit) {
        return sql.run(LIST_QUEUES, Tuple.of(tenant.value(), after, limit))
                .map(rows -> Rows.list(rows, QueueRepository::queue));
    }

    /** One of those that {@link #list} answers. */
    public Future<Optional<StoredQueue>> get(TenantId tenant, String name) {
        return sql.run(GET_QUEUE, Tuple.of(tenant.value(), name)).map(rows -> Rows.first(rows, QueueRepository::queue));
    }

    /** Sets both; the queue comes to be where there is none. Whether it is paused stays. */
    public Future<Void> set(String name, int weight, Limit limit) {
        var parameters = Tuple.of(name, weight);
        addLimit(parameters, limit);
        return sql.change(queueOf(name), SET_QUEUE, parameters).mapEmpty();
    }

    /** False where there is no such queue; {@code CONFLICT} where the key came with another request. */
    public Future<Boolean> pause(String name, boolean paused, Optional<NewRun.Key> key) {
        return sql.change(
                queueOf(name),
                transaction -> IdempotencyRepository.once(
                        transaction,
                        TenantId.DEFAULT,
                        key,
                        UUID.nameUUIDFromBytes(name.getBytes(UTF_8)),
                        () -> transaction
                                .preparedQuery(PAUSE_QUEUE)
                                .execute(Tuple.of(name, paused))
                                .map(QueueRepository::isKnown),
                        _ -> Future.succeededFuture(true)));
    }

    /** Forgets what was set, and that it is paused; false where nothing was. */
    public Future<Boolean> reset(String name) {
        return sql.change(queueOf(name), RESET_QUEUE, Tuple.of(name)).map(QueueRepository::isKnown);
    }

    /** A tenant's settings of keys, by key, those behind {@code after}. */
    public Future<List<KeyLimit>> limits(TenantId tenant, String after, int limit) {
        return sql.run(LIST_LIMITS, Tuple.of(tenant.value(), after, limit))
                .map(rows -> Rows.list(rows, QueueRepository::keyLimit));
    }

    public Future<Optional<KeyLimit>> limit(TenantId tenant, String key) {
        return sql.run(GET_LIMIT, Tuple.of(tenant.value(), key))
                .map(rows -> Rows.first(rows, QueueRepository::keyLimit));
    }

    /** Fails with {@code CONFLICT} where the tenant has {@link #LIMITS_MAX} others. */
    public Future<Void> setLimit(TenantId tenant, String key, Limit limit) {
        var parameters = Tuple.of(tenant.value(), key);
        addLimit(parameters, limit);
        parameters.addValue(LIMITS_MAX);
        return sql.change(Resource.of(Kind.LIMIT, tenant, key), SET_LIMIT, parameters)
                .compose(rows -> {
                    var verdict = rows.iterator().next().getString("verdict");
                    return switch (verdict) {
                        case "set" -> Future.succeededFuture();
                        case "full" ->
                            Future.failedFuture(new OrreryException(
                                    ErrorCode.CONFLICT,
                                    "there are " + LIMITS_MAX + " limits of keys; one for all that begin alike, such as"
                                            + " 'customer-*', takes the place of many"));
                        default -> throw new IllegalStateException("set_limit answered " + verdict);
                    };
                });
    }

    /** False where nothing was set for it. */
    public Future<Boolean> deleteLimit(TenantId tenant, String key) {
        return sql.change(Resource.of(Kind.LIMIT, tenant, key), DELETE_LIMIT, Tuple.of(tenant.value(), key))
                .map(QueueRepository::isKnown);
    }

    /** Adds the columns max_running, rate_limit and rate_ms. */
    static void addLimit(Tuple parameters, Limit limit) {
        parameters.addValue(
                limit.maxRunning().isPresent() ? (Object) limit.maxRunning().getAsInt() : null);
        parameters.addValue(limit.rate().map(Rate::limit).orElse(null));
        parameters.addValue(limit.rate().map(rate -> rate.per().toMillis()).orElse(null));
    }

    private static Resource queueOf(String name) {
        return Resource.of(Kind.QUEUE, TenantId.DEFAULT, name);
    }

    private static boolean isKnown(io.vertx.sqlclient.RowSet<Row> rows) {
        return rows.iterator().next().getBoolean("known");
    }

    private static StoredQueue queue(Row row) {
        return new StoredQueue(
                row.getString("name"),
                row.getInteger("weight"),
                limit(row),
                row.getBoolean("is_paused"),
                number(row.getLong("running")));
    }

    private static KeyLimit keyLimit(Row row) {
        return new KeyLimit(row.getString("pattern"), limit(row));
    }

    private static Limit limit(Row row) {
        var rate = Optional.ofNullable(row.getInteger("rate_limit"))
                .map(limit -> new Rate(limit, Duration.ofMillis(row.getLong("rate_ms"))));
        var most = row.getInteger("max_running");
        return new Limit(most == null ? OptionalInt.empty() : OptionalInt.of(most), rate);
    }

    private static OptionalInt number(@Nullable Long value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(Math.toIntExact(value));
    }

    /**
     * Forgets up to {@code limit} concurrency keys that nobody has and nobody waits for; whether there may be more. Fails where
     * {@code epoch} is no longer the leader's.
     */
    public Future<Boolean> purgeIdleKeys(int limit, long epoch) {
        return sql.run(PURGE_IDLE_KEYS, Tuple.of(limit, epoch))
                .map(rows -> rows.iterator().next().getInteger("count") == limit);
    }
}
