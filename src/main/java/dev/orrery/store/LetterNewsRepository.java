package dev.orrery.store;

import dev.orrery.domain.Json;
import dev.orrery.domain.LetterId;
import dev.orrery.domain.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.util.List;
import java.util.UUID;

/** Dead letters that nobody was told of yet; the function that it calls is in {@code R__dead_letters.sql}. */
public final class LetterNewsRepository {

    // language=PostgreSQL
    static final String LIST = "SELECT id, tenant_id, is_wanted, payload FROM unannounced_letters($1)";

    // language=PostgreSQL
    static final String MARK = "SELECT mark_announced($1, $2) FROM require_epoch($3)";

    private final Sql sql;

    public LetterNewsRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * A letter that is new.
     *
     * @param isWanted whether its tenant's handlers of events are to be told
     * @param payload what they are told: the same each time
     */
    public record News(LetterId id, TenantId tenant, boolean isWanted, Json payload) {}

    /** The oldest first. */
    public Future<List<News>> list(int limit) {
        return sql.run(LIST, Tuple.of(limit))
                .map(rows -> Rows.list(
                        rows,
                        row -> new News(
                                new LetterId(row.getUUID("id")),
                                new TenantId(row.getInteger("tenant_id")),
                                row.getBoolean("is_wanted"),
                                new Json(row.getString("payload")))));
    }

    /**
     * Notes that they were told of. Fails where {@code epoch} is no longer the leader's.
     *
     * @param gathers whether the webhook for alerts is to be told as well: see {@link LetterAlertRepository}
     */
    public Future<Void> mark(List<LetterId> letters, boolean gathers, long epoch) {
        var ids = letters.stream().map(LetterId::value).toArray(UUID[]::new);
        return sql.run(MARK, Tuple.tuple().addValue(ids).addValue(gathers).addValue(epoch))
                .mapEmpty();
    }
}
