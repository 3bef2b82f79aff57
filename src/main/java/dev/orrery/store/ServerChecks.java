package dev.orrery.store;

import dev.orrery.domain.StartupException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Refuses a server that would lose what we acknowledge, or that we cannot work with: each refusal names the setting, its
 * value and the cure. The rules are pure; {@link #read} asks a server for the facts.
 */
final class ServerChecks {

    static final int OLDEST_MAJOR = 15;

    private ServerChecks() {}

    /**
     * What a server says of itself, seen with the account and in the database that we use.
     *
     * @param connections how many this account may open in this database
     */
    record Facts(
            int version,
            String fsync,
            String synchronousCommit,
            String fullPageWrites,
            String encoding,
            boolean inRecovery,
            boolean readOnly,
            int connections,
            boolean mayCreate) {}

    /** @throws StartupException with one line for all that must change */
    static void require(Facts facts, int connectionsNeeded, String place) {
        var wrong = problems(facts, connectionsNeeded);
        if (!wrong.isEmpty()) {
            throw new StartupException(
                    "the database server at " + place + " cannot be used: " + String.join("; ", wrong));
        }
    }

    static List<String> problems(Facts facts, int connectionsNeeded) {
        if (facts.version() / 10_000 < OLDEST_MAJOR) {
            return List.of("it is PostgreSQL " + facts.version() / 10_000 + ", the oldest supported is " + OLDEST_MAJOR
                    + ": upgrade it");
        }
        var wrong = new ArrayList<String>();
        unless(wrong, facts.fsync().equals("on"), "fsync is off, so a crash would corrupt it: set fsync = on");
        unless(
                wrong,
                !facts.synchronousCommit().equals("off"),
                "synchronous_commit is off, so a crash would lose accepted work: set synchronous_commit = on (for the"
                        + " server, this role and this database)");
        unless(
                wrong,
                facts.fullPageWrites().equals("on"),
                "full_page_writes is off, so a crash would corrupt it: set full_page_writes = on");
        unless(
                wrong,
                facts.encoding().equals("UTF8"),
                "the database's encoding is " + facts.encoding() + ": create it with ENCODING 'UTF8'");
        if (facts.inRecovery()) {
            wrong.add("it is a standby that takes no writes: name the primary in database.url");
        } else {
            unless(
                    wrong,
                    !facts.readOnly(),
                    "default_transaction_read_only is on: set it off for this role and this database");
        }
        unless(
                wrong,
                facts.mayCreate(),
                "the account may not create tables: GRANT CREATE on the database, or create the schema "
                        + Migrations.SCHEMA + " owned by this account");
        unless(
                wrong,
                facts.connections() >= connectionsNeeded,
                "this account may open " + facts.connections() + " connections and a node needs " + connectionsNeeded
                        + ": raise max_connections (or the limit of the role or the database), or lower"
                        + " database.pool-size");
        return wrong;
    }

    static Facts read(Connection connection) throws SQLException {
        try (var statement = connection.createStatement();
                var row = statement.executeQuery(FACTS)) {
            row.next();
            return new Facts(
                    row.getInt("version"),
                    text(row.getString("fsync")),
                    text(row.getString("synchronous_commit")),
                    text(row.getString("full_page_writes")),
                    text(row.getString("encoding")),
                    row.getBoolean("in_recovery"),
                    row.getBoolean("read_only"),
                    row.getInt("connections"),
                    row.getBoolean("may_create"));
        }
    }

    // language=PostgreSQL
    static final String FACTS = """
            SELECT current_setting('server_version_num')::int           AS version,
                   current_setting('fsync')                             AS fsync,
                   current_setting('synchronous_commit')                AS synchronous_commit,
                   current_setting('full_page_writes')                  AS full_page_writes,
                   current_setting('server_encoding')                   AS encoding,
                   pg_is_in_recovery()                                  AS in_recovery,
                   current_setting('default_transaction_read_only')::bool AS read_only,
                   least(
                       current_setting('max_connections')::int
                           - current_setting('superuser_reserved_connections')::int
                           - coalesce(current_setting('reserved_connections', true)::int, 0),
                       (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
                       (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
                   )                                                    AS connections,
                   CASE
                       WHEN to_regnamespace('orrery') IS NULL
                           THEN has_database_privilege(current_database(), 'CREATE')
                       ELSE has_schema_privilege('orrery', 'CREATE') AND has_schema_privilege('orrery', 'USAGE')
                   END                                                  AS may_create
            """;

    private static String text(@Nullable String value) {
        return value == null ? "" : value;
    }

    private static void unless(List<String> wrong, boolean holds, String otherwise) {
        if (!holds) {
            wrong.add(otherwise);
        }
    }
}
