package dev.orrery.store;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.Optional;

/** What keeps single tasks from running, as the function {@code explain_task} finds it. */
public final class TaskFactsRepository {

    // language=PostgreSQL
    static final String EXPLAIN_TASK = "SELECT explain_task($1, $2)::text AS facts, clock_timestamp() AS now";

    private final Sql sql;

    public TaskFactsRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** What holds a task back, see {@code explain_task}, and the database's time. */
    public record Facts(Json facts, Instant now) {}

    /** What holds a task back; nothing where there is no such task. */
    public Future<Optional<Facts>> explain(TenantId tenant, TaskInstanceId id) {
        return sql.run(EXPLAIN_TASK, Tuple.of(tenant.value(), id.value())).map(rows -> {
            var row = rows.iterator().next();
            return Optional.ofNullable(row.getString("facts"))
                    .map(facts -> new Facts(new Json(facts), Rows.time(row, "now")));
        });
    }
}
