package dev.orrery.store;

import static java.util.Objects.requireNonNull;

import dev.orrery.store.DoctorChecks.Check;
import dev.orrery.store.DoctorChecks.Parts;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.List;
import java.util.UUID;

/**
 * What must hold of the database at any moment, looked at by a node that works: the checks of {@link DatabaseDoctor} that are about
 * tasks, of what is newest. Each statement only reads, is limited in time, and is a transaction of its own.
 */
public final class InvariantRepository {

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

    /** Makes the check of this name. Fails where a statement of it takes longer than two seconds. */
    public Future<CheckResult> check(String name) {
        var check = DoctorChecks.INVARIANTS.stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow();
        return violations(check).map(found -> result(check, found));
    }

    /** Of the newest part alone: what it costs is the same however much there is. */
    private Future<List<String>> violations(Check check) {
        return check.parts() == Parts.NONE
                ? read(check.sql(), Tuple.tuple())
                : read(check.parts().boundSql, Tuple.of(LAST_ID))
                        .map(bound -> bound.stream().map(UUID::fromString).findFirst())
                        .compose(from -> read(check.sql(), Tuple.of(from.orElse(NO_ID), LAST_ID)));
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
