package dev.orrery.store;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.webhook.Secret;
import dev.orrery.domain.webhook.Webhook;
import dev.orrery.domain.webhook.WebhookScheme;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Webhooks and their secrets. */
public final class WebhookRepository {

    /** A tenant has at most so many. */
    public static final int WEBHOOKS_MAX = 1_000;

    private static final String COLUMNS = """
            w.id, w.name, w.scheme, w.header, w.tolerance_ms, w.event_name, w.event_name_from, w.key_from,
            cardinality(w.secrets) AS secret_count, w.revision, w.created_at, w.updated_at
            """;

    // Whoever makes one waits for others that do, so that the count holds.
    // language=PostgreSQL
    static final String LOCK_TENANT =
            "SELECT t.id FROM tenants t WHERE t.id = $1 AND t.deleted_at IS NULL FOR NO KEY UPDATE";

    // language=PostgreSQL
    static final String COUNT = "SELECT count(*)::int AS count FROM webhooks w WHERE w.tenant_id = $1";

    // language=PostgreSQL
    static final String CREATE = """
            INSERT INTO webhooks (id, tenant_id, name, scheme, header, tolerance_ms, event_name, event_name_from, key_from, secrets)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (tenant_id, name) DO NOTHING
            """;

    // language=PostgreSQL
    static final String GET = "SELECT " + COLUMNS + "FROM webhooks w WHERE w.tenant_id = $1 AND w.name = $2";

    // language=PostgreSQL
    static final String GET_BY_ID = "SELECT " + COLUMNS + "FROM webhooks w WHERE w.tenant_id = $1 AND w.id = $2";

    // language=PostgreSQL
    static final String LIST = "SELECT " + COLUMNS + """
            FROM webhooks w
            WHERE w.tenant_id = $1 AND w.name > $2
            ORDER BY w.name
            LIMIT $3
            """;

    // language=PostgreSQL
    static final String CHANGE = """
            UPDATE webhooks w
            SET scheme = $4, header = $5, tolerance_ms = $6, event_name = $7, event_name_from = $8, key_from = $9,
                secrets = coalesce($10, w.secrets), revision = w.revision + 1, updated_at = clock_timestamp()
            WHERE w.tenant_id = $1 AND w.name = $2 AND w.revision = $3
            """;

    // language=PostgreSQL
    static final String DELETE = "DELETE FROM webhooks w WHERE w.tenant_id = $1 AND w.name = $2";

    // language=PostgreSQL
    static final String FOR_DELIVERY = "SELECT w.tenant_id, w.secrets, clock_timestamp() AS now, " + COLUMNS + """
            FROM tenants t JOIN webhooks w ON w.tenant_id = t.id
            WHERE t.name = $1 AND t.deleted_at IS NULL AND w.name = $2
            """;

    private final Sql sql;

    public WebhookRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    private WebhookRepository(Sql sql) {
        this.sql = sql;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public WebhookRepository by(ChangeRequest request) {
        return new WebhookRepository(sql.by(request));
    }

    /**
     * A webhook as it stands in the database.
     *
     * @param secrets how many it has
     * @param revision changes with it
     */
    public record StoredWebhook(Webhook webhook, int secrets, int revision, Instant createdAt, Instant updatedAt) {}

    /**
     * What a delivery is judged by.
     *
     * @param now by the database's clock
     */
    public record ForDelivery(TenantId tenant, Webhook webhook, List<Secret> secrets, Instant now) {

        public ForDelivery {
            secrets = List.copyOf(secrets);
        }
    }

    /** Makes one; under a key that made it before, answers it. Fails with {@code CONFLICT} where the name exists or there are too many. */
    public Future<StoredWebhook> create(
            TenantId tenant, UUID id, Webhook webhook, List<Secret> secrets, Optional<NewRun.Key> key) {
        return sql.change(
                Resource.of(Kind.WEBHOOK, tenant, webhook.name()),
                transaction -> IdempotencyRepository.once(
                        transaction,
                        tenant,
                        key,
                        id,
                        () -> insert(transaction, tenant, id, webhook, secrets),
                        made -> byId(transaction, tenant, made)));
    }

    private static Future<StoredWebhook> insert(
            SqlConnection transaction, TenantId tenant, UUID id, Webhook webhook, List<Secret> secrets) {
        var parameters = Tuple.of(id, tenant.value(), webhook.name());
        addDefinition(parameters, webhook).addValue(texts(secrets));
        return transaction
                .preparedQuery(LOCK_TENANT)
                .execute(Tuple.of(tenant.value()))
                .compose(held -> held.rowCount() == 1
                        ? transaction.preparedQuery(COUNT).execute(Tuple.of(tenant.value()))
                        : Future.failedFuture(
                                new OrreryException(ErrorCode.TENANT_NOT_FOUND, "the tenant was deleted")))
                .compose(rows -> rows.iterator().next().getInteger("count") < WEBHOOKS_MAX
                        ? transaction.preparedQuery(CREATE).execute(parameters)
                        : Future.failedFuture(new OrreryException(
                                ErrorCode.CONFLICT, "there are " + WEBHOOKS_MAX + " webhooks; delete one first")))
                .compose(rows -> rows.rowCount() == 1
                        ? byId(transaction, tenant, id)
                        : Future.failedFuture(new OrreryException(
                                ErrorCode.CONFLICT, "a webhook called '" + webhook.name() + "' exists")));
    }

    private static Future<StoredWebhook> byId(SqlConnection transaction, TenantId tenant, UUID id) {
        return transaction
                .preparedQuery(GET_BY_ID)
                .execute(Tuple.of(tenant.value(), id))
                .map(rows -> Rows.first(rows, WebhookRepository::stored)
                        .orElseThrow(() -> new OrreryException(
                                ErrorCode.WEBHOOK_NOT_FOUND, "the webhook was made, and deleted since")));
    }

    public Future<Optional<StoredWebhook>> get(TenantId tenant, String name) {
        return sql.run(GET, Tuple.of(tenant.value(), name)).map(rows -> Rows.first(rows, WebhookRepository::stored));
    }

    /** Webhooks by name, those that come behind {@code after}; an empty text is before all. */
    public Future<List<StoredWebhook>> list(TenantId tenant, String after, int limit) {
        return sql.run(LIST, Tuple.of(tenant.value(), after, limit))
                .map(rows -> Rows.list(rows, WebhookRepository::stored));
    }

    /** Changes one that is as it was seen; false where it is not, or is gone. No secrets: they stay. */
    public Future<Boolean> change(TenantId tenant, Webhook webhook, Optional<List<Secret>> secrets, int seen) {
        var parameters = Tuple.of(tenant.value(), webhook.name(), seen);
        addDefinition(parameters, webhook)
                .addValue(secrets.map(WebhookRepository::texts).orElse(null));
        return sql.change(Resource.of(Kind.WEBHOOK, tenant, webhook.name()), CHANGE, parameters)
                .map(rows -> rows.rowCount() == 1);
    }

    /** False where there is none. */
    public Future<Boolean> delete(TenantId tenant, String name) {
        return sql.change(Resource.of(Kind.WEBHOOK, tenant, name), DELETE, Tuple.of(tenant.value(), name))
                .map(rows -> rows.rowCount() == 1);
    }

    /** With its secrets, for nobody's eyes. */
    public Future<Optional<ForDelivery>> forDelivery(String tenant, String name) {
        return sql.run(FOR_DELIVERY, Tuple.of(tenant, name))
                .map(rows -> Rows.first(
                        rows,
                        row -> new ForDelivery(
                                new TenantId(row.getInteger("tenant_id")),
                                webhook(row),
                                Arrays.stream(row.getArrayOfStrings("secrets"))
                                        .map(Secret::new)
                                        .toList(),
                                Rows.time(row, "now"))));
    }

    private static Tuple addDefinition(Tuple parameters, Webhook webhook) {
        return parameters
                .addValue(webhook.scheme().wireName())
                .addValue(webhook.header().orElse(null))
                .addValue(webhook.tolerance().toMillis())
                .addValue(webhook.eventName().map(Texts::clean).orElse(null))
                .addValue(webhook.eventNameFrom().map(Texts::clean).orElse(null))
                .addValue(webhook.keyFrom().map(Texts::clean).orElse(null));
    }

    private static String[] texts(List<Secret> secrets) {
        return secrets.stream().map(Secret::text).toArray(String[]::new);
    }

    private static StoredWebhook stored(Row row) {
        return new StoredWebhook(
                webhook(row),
                row.getInteger("secret_count"),
                row.getInteger("revision"),
                Rows.time(row, "created_at"),
                Rows.time(row, "updated_at"));
    }

    private static Webhook webhook(Row row) {
        return new Webhook(
                row.getString("name"),
                WebhookScheme.ofWireName(row.getString("scheme")),
                Optional.ofNullable(row.getString("header")),
                Duration.ofMillis(row.getLong("tolerance_ms")),
                Optional.ofNullable(row.getString("event_name")),
                Optional.ofNullable(row.getString("event_name_from")),
                Optional.ofNullable(row.getString("key_from")));
    }
}
