package dev.orrery.store;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** Tenants: who shares the installation. What R__tenants.sql says keeps anything from coming to be for one that is deleted. */
public final class TenantRepository {

    // language=PostgreSQL
    static final String CREATE = """
            INSERT INTO tenants AS t (name) VALUES ($1)
            ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING
            RETURNING t.id, t.name, t.created_at
            """;

    // language=PostgreSQL
    static final String GET =
            "SELECT t.id, t.name, t.created_at FROM tenants t WHERE t.name = $1 AND t.deleted_at IS NULL";

    // language=PostgreSQL
    static final String LIST = """
            SELECT t.id, t.name, t.created_at FROM tenants t
            WHERE t.name > $1 AND t.deleted_at IS NULL
            ORDER BY t.name
            LIMIT $2
            """;

    // language=PostgreSQL
    static final String HIDE = "SELECT hide_tenant($1) AS verdict";

    // language=PostgreSQL
    static final String PURGE_HIDDEN =
            "SELECT p.purged, p.nodes, p.queues FROM require_epoch($2), purge_hidden_tenants($1) p";

    /** A name is all that a tenant is made from: the key's request says which one it made. */
    private static final UUID NO_REFERENCE = new UUID(0, 0);

    private final Sql sql;

    public TenantRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    private TenantRepository(Sql sql) {
        this.sql = sql;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public TenantRepository by(ChangeRequest request) {
        return new TenantRepository(sql.by(request));
    }

    /** A tenant as it stands in the database. */
    public record StoredTenant(Tenant tenant, Instant createdAt) {}

    /** Makes a tenant; under a key that made it before, answers it. Fails with {@code CONFLICT} where the name exists. */
    public Future<StoredTenant> create(String name, Optional<NewRun.Key> key) {
        return sql.change(
                Resource.of(Kind.TENANT, TenantId.DEFAULT, name),
                transaction -> IdempotencyRepository.once(
                        transaction,
                        TenantId.DEFAULT,
                        key,
                        NO_REFERENCE,
                        () -> insert(transaction, name),
                        _ -> transaction
                                .preparedQuery(GET)
                                .execute(Tuple.of(name))
                                .map(rows -> Rows.first(rows, TenantRepository::tenant)
                                        .orElseThrow(() -> new OrreryException(
                                                ErrorCode.TENANT_NOT_FOUND,
                                                "the tenant '" + name + "' was made, and deleted since")))));
    }

    private static Future<StoredTenant> insert(SqlConnection transaction, String name) {
        return transaction
                .preparedQuery(CREATE)
                .execute(Tuple.of(name))
                .map(rows -> Rows.first(rows, TenantRepository::tenant)
                        .orElseThrow(() ->
                                new OrreryException(ErrorCode.CONFLICT, "a tenant called '" + name + "' exists")));
    }

    public Future<Optional<StoredTenant>> get(String name) {
        return sql.run(GET, Tuple.of(name)).map(rows -> Rows.first(rows, TenantRepository::tenant));
    }

    /** Tenants by name, those that come behind {@code after}; an empty text is before all. */
    public Future<List<StoredTenant>> list(String after, int limit) {
        return sql.run(LIST, Tuple.of(after, limit)).map(rows -> Rows.list(rows, TenantRepository::tenant));
    }

    /** What became of the wish to delete a tenant. */
    public enum Deletion {
        HIDDEN,
        UNKNOWN,
        /** It is the default one, which stays. */
        REFUSED
    }

    /** Deletes a tenant for everyone at once; what it has goes in bites. */
    public Future<Deletion> hide(String name) {
        return sql.change(Resource.of(Kind.TENANT, TenantId.DEFAULT, name), HIDE, Tuple.of(name))
                .map(rows -> switch (rows.iterator().next().getString("verdict")) {
                    case "hidden" -> Deletion.HIDDEN;
                    case "unknown" -> Deletion.UNKNOWN;
                    case "default" -> Deletion.REFUSED;
                    case String other -> throw new IllegalStateException("hide_tenant answered " + other);
                });
    }

    /**
     * What a bite did.
     *
     * @param isAny whether there was anything to do
     * @param cancelsAsked whether attempts on nodes are to end
     * @param readyQueues where tasks of others became ready by it
     */
    public record Purged(boolean isAny, boolean cancelsAsked, Set<String> readyQueues) {}

    /** Takes deleted tenants apart by about so many rows. For the leader, under its epoch. */
    public Future<Purged> purgeHidden(int rows, long epoch) {
        return sql.run(PURGE_HIDDEN, Tuple.of(rows, epoch)).map(answer -> {
            var row = answer.iterator().next();
            var nodes = row.getArrayOfUUIDs("nodes");
            var queues = row.getArrayOfStrings("queues");
            return new Purged(
                    row.getBoolean("purged"),
                    nodes != null && nodes.length > 0,
                    queues == null ? Set.of() : new HashSet<>(List.of(queues)));
        });
    }

    private static StoredTenant tenant(Row row) {
        return new StoredTenant(
                new Tenant(new TenantId(row.getInteger("id")), row.getString("name")), Rows.time(row, "created_at"));
    }
}
