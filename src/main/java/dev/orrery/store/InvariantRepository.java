package dev.orrery.store;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.store.DoctorChecks.Check;
import dev.orrery.store.DoctorChecks.Parts;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What must hold of the database at any moment, looked at by a node that works: the checks of {@link DatabaseDoctor} that are about
 * tasks, part by part. Each statement only reads, is limited in time, and is a transaction of its own.
 */
public final class InvariantRepository {

    /** The most rows of a part; of runs, each of which has many, one twentieth. */
    public static final int ROWS_MAX = 10_000;

    /** With fewer a part may hold nothing, and there is no way on. */
    public static final int ROWS_MIN = 10;

    private static final int COUNTED = 1_000;
    private static final int EXAMPLES = 5;
    private static final UUID NO_ID = new UUID(0, 0);
    private static final UUID LAST_ID = new UUID(-1, -1);

    // language=PostgreSQL
    static final String LIMIT_TIME = "SET LOCAL statement_timeout = '2s'";

    // language=PostgreSQL
    static final String ONLY_READ = "SET TRANSACTION READ ONLY";

    private final Sql sql;

    public InvariantRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** The names of the checks, the same in every release. */
    public static List<String> checks() {
        return DoctorChecks.INVARIANTS.stream().map(Check::name).toList();
    }

    /**
     * What a check found in a part.
     *
     * @param next up to where the next part goes; absent where this was the last one
     */
    public record Part(CheckResult result, Optional<UUID> next) {}

    /**
     * Makes the check of this name in one part: up to this id, or in the newest part where there is none. A check that reads little has
     * but one. Fails where a statement of it takes longer than two seconds.
     *
     * @param rows about how many of those by which the check goes are in the part, {@link #ROWS_MIN}..{@link #ROWS_MAX}
     */
    public Future<Part> look(String name, Optional<UUID> upto, int rows) {
        require(rows >= ROWS_MIN && rows <= ROWS_MAX, "rows must be 10..10000, was " + rows);
        var check = DoctorChecks.INVARIANTS.stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow();
        return check.parts() == Parts.NONE
                ? read(check.sql(), Tuple.tuple()).map(found -> new Part(result(check, found), Optional.empty()))
                : lookUpTo(check, upto.orElse(LAST_ID), Math.max(1, rows * check.parts().size / Parts.TASKS.size));
    }

    private Future<Part> lookUpTo(Check check, UUID upto, int rows) {
        return read(check.parts().boundSql(rows), Tuple.of(upto))
                .map(bound -> bound.stream().map(UUID::fromString).findFirst())
                .compose(from -> read(check.sql(), Tuple.of(from.orElse(NO_ID), upto))
                        .map(found -> new Part(result(check, found), from)));
    }

    private Future<List<String>> read(String query, Tuple parameters) {
        var bounded = "SELECT x.text FROM (" + query + ") x(text) LIMIT " + (COUNTED + 1);
        return sql.transaction(connection -> limited(connection)
                .compose(_ -> connection.preparedQuery(bounded).execute(parameters))
                .map(rows -> Sql.list(rows, row -> requireNonNull(String.valueOf(row.getValue(0))))));
    }

    private static Future<Void> limited(SqlConnection connection) {
        return connection
                .query(ONLY_READ)
                .execute()
                .compose(_ -> connection.query(LIMIT_TIME).execute())
                .mapEmpty();
    }

    private static CheckResult result(Check check, List<String> found) {
        return found.isEmpty()
                ? CheckResult.ok(check.name(), check.meaning())
                : new CheckResult(
                        check.name(),
                        CheckResult.Outcome.FOUND,
                        check.meaning(),
                        found.size(),
                        found.subList(0, Math.min(EXAMPLES, found.size())),
                        check.cure(),
                        "");
    }
}
