package dev.orrery.store;

import static java.util.Objects.requireNonNull;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;

/** How repositories speak to the database: with a limit on the wait, another try after conflicts, and failures as callers are told. */
final class Sql {

    /** Longer than a connection is waited for and a statement may take, see {@link Pools}: whoever hears of this one hears of a bug. */
    private static final Duration LIMIT = Duration.ofSeconds(35);

    private final Vertx vertx;
    private final Pool pool;

    Sql(Vertx vertx, Pool pool) {
        this.vertx = requireNonNull(vertx, "vertx");
        this.pool = requireNonNull(pool, "pool");
    }

    /** One statement, which is a transaction of its own. */
    Future<RowSet<Row>> run(String statement, Tuple parameters) {
        return guarded(() -> pool.preparedQuery(statement).execute(parameters));
    }

    /** As {@link #run}, for whoever judges failures and decides about another try alone: they come as they are. */
    Future<RowSet<Row>> runOnce(String statement, Tuple parameters) {
        return limited(pool.preparedQuery(statement).execute(parameters));
    }

    /** Several statements as one transaction; a failed Future among them undoes all. */
    <T> Future<T> transaction(Function<SqlConnection, Future<T>> steps) {
        return guarded(() -> pool.withTransaction(steps));
    }

    private <T> Future<T> guarded(Supplier<Future<T>> transaction) {
        return limited(Conflicts.retry(vertx, transaction))
                .recover(error -> Future.failedFuture(StoreFailures.told(error)));
    }

    private static <T> Future<T> limited(Future<T> answer) {
        return answer.timeout(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    }

    static <T> List<T> list(RowSet<Row> rows, Function<Row, T> reader) {
        return StreamSupport.stream(rows.spliterator(), false).map(reader).toList();
    }
}
