package dev.orrery.store;

import dev.orrery.domain.StartupException;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.exception.FlywayValidateException;

/**
 * Brings the schema to the version of this jar: the files in {@code db/migration}, each in one transaction.
 *
 * <p>Several nodes may start at once: Flyway's lock lets one migrate while the others wait. A schema that is newer than
 * the jar is refused, as its rows may mean what this jar does not know.
 */
public final class Migrations {

    /** All our tables live in this schema; connections name it as their search path. */
    public static final String SCHEMA = "orrery";

    private static final String LOCATION = "classpath:db/migration";

    /** One try a second. */
    private static final int LOCK_TRIES = 120;

    /** A migration that cannot have its lock at once must not make all others queue behind it. */
    private static final String OPTIONS =
            "ApplicationName=orrery-migrations&connectTimeout=5&tcpKeepAlive=true&options="
                    + "-c%20lock_timeout=2s%20-c%20statement_timeout=0%20-c%20idle_in_transaction_session_timeout=0";

    private Migrations() {}

    /**
     * Migrates within the lock's limit of about two minutes; on failure schema and data are as they were.
     *
     * @throws StartupException that names the migration, what went wrong and what to do
     */
    public static void run(String jdbcUrl, String user, String password) {
        run(jdbcUrl, user, password, LOCATION);
    }

    static void run(String jdbcUrl, String user, String password, String location) {
        try {
            var flyway = Flyway.configure()
                    .dataSource(jdbcUrl + (jdbcUrl.contains("?") ? "&" : "?") + OPTIONS, user, password)
                    .locations(location)
                    .failOnMissingLocations(true)
                    .defaultSchema(SCHEMA)
                    .placeholderReplacement(false)
                    .lockRetryCount(LOCK_TRIES)
                    .ignoreMigrationPatterns("repeatable:missing")
                    .load();
            flyway.migrate();
        } catch (FlywayValidateException e) {
            throw new StartupException(mismatch(e), e);
        } catch (FlywayException e) {
            throw new StartupException(failure(e), e);
        }
    }

    private static String mismatch(FlywayValidateException e) {
        return "the database's schema does not match this release ("
                + StoreErrors.message(e)
                + "): start the release that made it, or a newer one";
    }

    private static String failure(FlywayException e) {
        return "the database could not be migrated; it is as it was before (" + String.valueOf(e.getMessage()) + ")";
    }
}
