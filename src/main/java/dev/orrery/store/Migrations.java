package dev.orrery.store;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.StartupException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationInfoService;
import org.flywaydb.core.api.MigrationState;
import org.flywaydb.core.api.MigrationVersion;
import org.flywaydb.core.api.exception.FlywayValidateException;

/**
 * Brings the schema to the version of this jar: the files in {@code db/migration}, each in one transaction.
 *
 * <p>Several nodes may start at once: Flyway's lock lets one migrate while the others wait. A schema that is newer than
 * the jar is left as it is; the jar may work with it where the table {@code compatibility} says so, else it is refused, as
 * rows may mean what this jar does not know. So that an older jar never puts its own functions in the place of newer ones,
 * a release that changes a repeatable migration brings a numbered one too, be it for that alone.
 */
public final class Migrations {

    private static final System.Logger LOG = System.getLogger(Migrations.class.getName());

    /** All our tables live in this schema; connections name it as their search path. */
    public static final String SCHEMA = "orrery";

    private static final String LOCATION = "classpath:db/migration";

    /** While another node migrates: one try a second. */
    private static final int LOCK_TRIES = 120;

    /** While a transaction of someone else holds a table: as often, each try of two seconds and a pause. */
    private static final int BLOCKED_TRIES = 30;

    private static final Duration BLOCKED_PAUSE = Duration.ofSeconds(1);
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final String UNDEFINED_TABLE = "42P01";

    private static final Pattern SCRIPT = Pattern.compile("script (\\S+)");
    private static final Pattern LINE = Pattern.compile("(?m)^Line\\s*: (\\d+)");
    private static final Pattern NOT_RESOLVED = Pattern.compile("not resolved locally: (\\S+)\\.");

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
        run(jdbcUrl, user, password, LOCATION, () -> false);
    }

    /** The same, until it is no longer wanted: then no further try is made, and a StartupException says so. */
    static void run(String jdbcUrl, String user, String password, BooleanSupplier isOver) {
        run(jdbcUrl, user, password, LOCATION, isOver);
    }

    static void run(String jdbcUrl, String user, String password, String location) {
        run(jdbcUrl, user, password, location, () -> false);
    }

    static void run(String jdbcUrl, String user, String password, String location, BooleanSupplier isOver) {
        for (var tried = 1; ; tried++) {
            try {
                MigrationThread.run(withOptions(jdbcUrl), user, password, isOver, source -> migrate(source, location));
                return;
            } catch (FlywayValidateException e) {
                throw new StartupException(mismatch(e), e);
            } catch (FlywayException e) {
                var blocked = sqlCause(e).filter(cause -> LOCK_NOT_AVAILABLE.equals(cause.getSQLState()));
                if (blocked.isEmpty() || tried == BLOCKED_TRIES) {
                    throw new StartupException(failure(e), e);
                }
                if (isOver.getAsBoolean()) {
                    throw new StartupException("told to stop while a migration waits for a table", e);
                }
                LOG.log(WARNING, "event=migration_blocked try=" + tried + " of=" + BLOCKED_TRIES);
                ServerProcess.pause(BLOCKED_PAUSE);
            }
        }
    }

    private static void migrate(DataSource source, String location) {
        var flyway = flyway(source, location, "repeatable:missing"); // and by that not those of the future
        var schema = flyway.info();
        var newest = newestApplied(schema);
        var known = newestKnown(schema);
        if (newest.compareTo(known) > 0
                && knownFrom(flyway).filter(from -> known.compareTo(from) >= 0).isPresent()) {
            flyway(source, location, "*:future", "*:pending", "repeatable:missing")
                    .validate();
            LOG.log(WARNING, "event=newer_schema version=" + newest + " known=" + known);
            return;
        }
        flyway.migrate();
    }

    /**
     * Where the schema differs from what this jar would make it; changes nothing.
     *
     * @throws StartupException where it cannot be told
     */
    static List<String> differences(String jdbcUrl, String user, String password) {
        try {
            var found = new ArrayList<String>();
            MigrationThread.run(
                    withOptions(jdbcUrl),
                    user,
                    password,
                    () -> false,
                    source -> Arrays.stream(flyway(source, LOCATION, "repeatable:missing")
                                    .info()
                                    .all())
                            .flatMap(migration -> difference(migration).stream())
                            .forEach(found::add));
            return List.copyOf(found);
        } catch (FlywayException e) {
            throw new StartupException("the migrations cannot be read (" + StoreErrors.message(e) + ")", e);
        }
    }

    private static Optional<String> difference(MigrationInfo migration) {
        var name = migration.getVersion() == null
                ? migration.getDescription()
                : "V" + migration.getVersion() + " " + migration.getDescription();
        var state = migration.getState();
        if (state.isFailed()) {
            return Optional.of(name + " has failed");
        } else if (state == MigrationState.PENDING
                || state == MigrationState.IGNORED
                || state == MigrationState.OUTDATED) {
            return Optional.of(name + " is still to be applied");
        } else if (state == MigrationState.FUTURE_SUCCESS) {
            return Optional.of(name + " is not known to this release");
        } else if (migration.getVersion() != null && !migration.isChecksumMatching()) {
            return Optional.of(name + " was made by another build of this release");
        }
        return Optional.empty();
    }

    private static MigrationVersion newestApplied(MigrationInfoService schema) {
        var current = schema.current();
        return current == null || current.getVersion() == null ? MigrationVersion.EMPTY : current.getVersion();
    }

    private static MigrationVersion newestKnown(MigrationInfoService schema) {
        return Arrays.stream(schema.all())
                .filter(migration -> migration.getState().isResolved())
                .flatMap(migration -> Optional.ofNullable(migration.getVersion()).stream())
                .max(Comparator.naturalOrder())
                .orElse(MigrationVersion.EMPTY);
    }

    /** Which version programs have to know at least; empty where the schema does not tell. */
    private static Optional<MigrationVersion> knownFrom(Flyway flyway) {
        try (var connection = flyway.getConfiguration().getDataSource().getConnection();
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT known_from FROM " + SCHEMA + ".compatibility")) {
            return rows.next() ? Optional.of(MigrationVersion.fromVersion(rows.getString(1))) : Optional.empty();
        } catch (SQLException e) {
            if (UNDEFINED_TABLE.equals(e.getSQLState())) {
                return Optional.empty();
            }
            throw new FlywayException("cannot read which releases the schema allows", e);
        }
    }

    private static String withOptions(String jdbcUrl) {
        return jdbcUrl + (jdbcUrl.contains("?") ? "&" : "?") + OPTIONS;
    }

    private static Flyway flyway(DataSource source, String location, String... ignored) {
        return Flyway.configure()
                .dataSource(source)
                .locations(location)
                .failOnMissingLocations(true)
                .defaultSchema(SCHEMA)
                .placeholderReplacement(false)
                .lockRetryCount(LOCK_TRIES)
                .ignoreMigrationPatterns(ignored)
                .load();
    }

    private static String mismatch(FlywayValidateException e) {
        var details = String.valueOf(e.getMessage());
        var unknown = NOT_RESOLVED.matcher(details);
        if (unknown.find()) {
            return "the database's schema has version " + unknown.group(1)
                    + ", which this release does not know: start the" + " release that made it, or a newer one";
        }
        return "the database's schema was made by another build of this release ("
                + details.lines().skip(1).findFirst().orElse(details)
                + "): start the release that made it, or a newer one";
    }

    private static String failure(FlywayException e) {
        var details = String.valueOf(e.getMessage());
        var script = SCRIPT.matcher(details);
        var line = LINE.matcher(details);
        var where = script.find() ? " at " + script.group(1) + (line.find() ? ", line " + line.group(1) : "") : "";
        var why = sqlCause(e).map(StoreErrors::message).orElseGet(() -> StoreErrors.message(e));
        return "the database could not be migrated and is as it was before this step: failed" + where + " (" + why
                + "); end what blocks it or mend the cause, then start again";
    }

    private static Optional<SQLException> sqlCause(Throwable failure) {
        for (var cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql) {
                return Optional.of(sql);
            }
        }
        return Optional.empty();
    }
}
