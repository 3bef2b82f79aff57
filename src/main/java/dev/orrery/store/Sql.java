package dev.orrery.store;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;

/** How repositories speak to the database: with a limit on the wait, another try after conflicts, and failures as callers are told. */
final class Sql {

    /** Longer than a connection is waited for and a statement may take, see {@link Pools}: whoever hears of this one hears of a bug. */
    private static final Duration LIMIT = Duration.ofSeconds(35);

    // language=PostgreSQL
    static final String BEGIN_CHANGE = "SELECT begin_change($1, $2, $3) AS before";

    // language=PostgreSQL
    static final String NOTE_CHANGE = "SELECT note_change($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    private final Vertx vertx;
    private final Pool pool;
    private final Optional<ChangeRequest> change;

    Sql(Vertx vertx, Pool pool) {
        this(vertx, pool, Optional.empty());
    }

    private Sql(Vertx vertx, Pool pool, Optional<ChangeRequest> change) {
        this.vertx = requireNonNull(vertx, "vertx");
        this.pool = requireNonNull(pool, "pool");
        this.change = change;
    }

    /** The same, for what this request changes: it is told in the audit log. */
    Sql by(ChangeRequest request) {
        return new Sql(vertx, pool, Optional.of(request));
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

    /** One statement that may change a resource; where a request of the API asks for it, that is told in its transaction. */
    Future<RowSet<Row>> change(Resource resource, String statement, Tuple parameters) {
        return change.isEmpty()
                ? run(statement, parameters)
                : change(
                        resource,
                        transaction -> transaction.preparedQuery(statement).execute(parameters));
    }

    /** Several statements that may change a resource, as one transaction; told as {@link #change(Resource, String, Tuple)} does. */
    <T> Future<T> change(Resource resource, Function<SqlConnection, Future<T>> steps) {
        return change.map(request -> transaction(transaction -> transaction
                        .preparedQuery(BEGIN_CHANGE)
                        .execute(named(resource))
                        .map(rows -> Optional.ofNullable(rows.iterator().next().getString("before")))
                        .compose(before -> steps.apply(transaction)
                                .compose(result -> transaction
                                        .preparedQuery(NOTE_CHANGE)
                                        .execute(told(resource, before, request))
                                        .map(result)))))
                .orElseGet(() -> transaction(steps));
    }

    private static Tuple named(Resource resource) {
        return Tuple.of(resource.kind().wireName(), resource.tenant().value(), Texts.clean(resource.id()));
    }

    private static Tuple told(Resource resource, Optional<String> before, ChangeRequest request) {
        return named(resource)
                .addString(before.orElse(null))
                .addInteger(request.tenant().id().value())
                .addString(request.tenant().name())
                .addString(request.actor().text())
                .addString(request.actor().name().orElse(null))
                .addString(request.operation())
                .addString(request.address().orElse(null))
                .addString(request.trace().map(TraceContext::traceparent).orElse(null))
                .addString(request.key().orElse(null));
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
