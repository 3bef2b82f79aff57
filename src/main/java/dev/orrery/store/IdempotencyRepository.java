package dev.orrery.store;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The keys under which callers name their requests. A key is taken in the transaction of the effect, so either both are
 * there or neither is; a second request with it waits for the first one's transaction and learns what it made.
 */
public final class IdempotencyRepository {

    // language=PostgreSQL
    static final String CLAIM_KEY = "SELECT verdict, reference FROM claim_key($1, $2, $3, $4, $5)";

    // language=PostgreSQL
    static final String FIND_KEY = """
            SELECT k.reference, k.created_at FROM idempotency_keys k
            WHERE k.tenant_id = $1 AND k.operation = $2 AND k.key = $3 AND k.request_hash = $4
            """;

    // By ctid: a LIMIT that is a parameter is planned as a tenth of the table.
    // language=PostgreSQL
    static final String PURGE_OLD_KEYS = """
            DELETE FROM idempotency_keys k USING require_epoch($2)
            WHERE k.ctid = ANY (ARRAY(
                SELECT o.ctid FROM idempotency_keys o
                WHERE o.created_at < statement_timestamp() - interval '24 hours'
                ORDER BY o.created_at
                LIMIT $1
                FOR UPDATE SKIP LOCKED))
            """;

    private final Sql sql;

    public IdempotencyRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** What came of taking a key. */
    sealed interface KeyClaim {

        record Fresh() implements KeyClaim {}

        /** It was used for the same request before, which made or changed this. */
        record Repeated(UUID reference) implements KeyClaim {}

        /** It was used for another request. */
        record Taken() implements KeyClaim {}
    }

    /** What a request under a key made or changed, and when. */
    public record Earlier(UUID reference, Instant at) {}

    /** What the same request under this key did before, if that is known. */
    public Future<Optional<Earlier>> find(TenantId tenant, NewRun.Key key) {
        return sql.run(FIND_KEY, Tuple.of(tenant.value(), key.operation(), key.key(), key.requestHash()))
                .map(rows ->
                        Rows.first(rows, row -> new Earlier(row.getUUID("reference"), Rows.time(row, "created_at"))));
    }

    /** Takes a key inside the transaction of this connection. */
    static Future<KeyClaim> claim(SqlClient transaction, TenantId tenant, NewRun.Key key, UUID reference) {
        return transaction
                .preparedQuery(CLAIM_KEY)
                .execute(Tuple.of(tenant.value(), key.operation(), key.key(), key.requestHash(), reference))
                .map(rows -> {
                    var row = rows.iterator().next();
                    return switch (row.getString("verdict")) {
                        case "fresh" -> new KeyClaim.Fresh();
                        case "repeated" -> new KeyClaim.Repeated(row.getUUID("reference"));
                        case "conflict" -> new KeyClaim.Taken();
                        case String other -> throw new IllegalStateException("claim_key answered " + other);
                    };
                });
    }

    /**
     * Has the effect, or where the key had it before answers by what that made or changed. Fails with {@code CONFLICT} where
     * the key came with another request.
     */
    static <T> Future<T> once(
            SqlClient transaction,
            TenantId tenant,
            Optional<NewRun.Key> key,
            UUID reference,
            Supplier<Future<T>> effect,
            Function<UUID, Future<T>> repeated) {
        if (key.isEmpty()) {
            return effect.get();
        }
        return claim(transaction, tenant, key.get(), reference).compose(claim -> switch (claim) {
            case KeyClaim.Fresh _ -> effect.get();
            case KeyClaim.Repeated(var made) -> repeated.apply(made);
            case KeyClaim.Taken _ -> Future.failedFuture(keyTaken());
        });
    }

    static OrreryException keyTaken() {
        return new OrreryException(ErrorCode.CONFLICT, "this Idempotency-Key came before with another request");
    }

    /** Forgets up to so many keys that are older than a day; answers how many. For the leader, under its epoch. */
    public Future<Integer> purgeOld(int limit, long epoch) {
        return sql.run(PURGE_OLD_KEYS, Tuple.of(limit, epoch)).map(rows -> rows.rowCount());
    }
}
