package dev.orrery.store;

import static java.util.Objects.requireNonNull;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import dev.orrery.store.DoctorChecks.Parts;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether a database is in order. It only reads, each statement is limited in time, and nothing waits for a lock for
 * long: so it may be run beside nodes that work. Blocks.
 */
public final class DatabaseDoctor implements AutoCloseable {

    /** What breaks a check is counted up to here. */
    public static final int COUNTED = 1_000;

    /** How many times what one check may take all of them may take. */
    static final int TOGETHER = 6;

    // language=PostgreSQL
    static final String CLUSTER = """
            SELECT c.id AS database, l.epoch, l.node_id AS leader, n.id AS node, n.name, n.draining,
                   n.fenced_at IS NULL AND n.beat_at > clock_timestamp() - interval '10 seconds' AS is_alive
            FROM orrery.cluster c CROSS JOIN leadership l LEFT JOIN nodes n ON n.mode <> 'remote'
            LIMIT 10000
            """;

    private static final int EXAMPLES = 5;
    private static final int POOL_BESIDE = 8;
    private static final Duration CLOCKS_DIFFER_MAX = Duration.ofSeconds(2);
    private static final String QUERY_CANCELED = "57014";
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final UUID NO_ID = new UUID(0, 0);
    private static final UUID LAST_ID = new UUID(-1, -1);

    /** Bounds of a part, as {@link DoctorChecks} has them. */
    private static final Pattern PARAMETER = Pattern.compile("\\$([12])");

    private final Connection connection;
    private final DatabaseUrl place;
    private final Duration limit;
    private final Duration partsLimit;
    private final int connectionsNeeded;

    private DatabaseDoctor(
            Connection connection, DatabaseUrl place, Duration limit, Duration partsLimit, int connectionsNeeded) {
        this.connection = connection;
        this.place = place;
        this.limit = limit;
        this.partsLimit = partsLimit;
        this.connectionsNeeded = connectionsNeeded;
    }

    /**
     * Connects to the database that these settings name; the embedded one must run.
     *
     * @param limit how long a statement may take, and a check that goes through all tasks
     * @throws StartupException where it cannot be reached, with the cure
     */
    public static DatabaseDoctor open(DatabaseConfig config, Path dataFolder, Duration limit) {
        return open(config, dataFolder, limit, limit);
    }

    /** {@code partsLimit}: after which a check that goes through many parts begins no further one. */
    static DatabaseDoctor open(DatabaseConfig config, Path dataFolder, Duration limit, Duration partsLimit) {
        var place = config.embedded() ? embedded(dataFolder) : DatabaseUrl.parse(config);
        var properties = new Properties();
        properties.setProperty("user", place.user());
        properties.setProperty("password", place.password());
        properties.setProperty("connectTimeout", Integer.toString(Jdbc.CONNECT_SECONDS));
        properties.setProperty("loginTimeout", Integer.toString(Jdbc.CONNECT_SECONDS));
        properties.setProperty("socketTimeout", Long.toString(limit.toSeconds() + Jdbc.CONNECT_SECONDS));
        properties.setProperty("ApplicationName", "orrery-doctor");
        properties.setProperty(
                "options",
                "-c default_transaction_read_only=on -c lock_timeout=1s -c jit=off -c TimeZone=UTC"
                        + " -c max_parallel_workers_per_gather=0 -c statement_timeout=" + limit.toMillis()
                        + " -c search_path=" + Migrations.SCHEMA);
        try {
            var connection = DriverManager.getConnection(place.jdbcUrl(), properties);
            return new DatabaseDoctor(connection, place, limit, partsLimit, config.poolSize() + POOL_BESIDE);
        } catch (SQLException e) {
            throw new StartupException(
                    "the database at " + place.place() + " cannot be examined (" + StoreErrors.message(e)
                            + "): start it, or correct database.url",
                    e);
        }
    }

    private static DatabaseUrl embedded(Path dataFolder) {
        var folder = dataFolder.resolve("postgresql");
        try {
            return EmbeddedServer.running(folder)
                    .orElseThrow(() -> new StartupException("no PostgreSQL runs in the data folder " + dataFolder
                            + ": start its node ('orrery node --data-dir " + dataFolder
                            + "'), or name another folder or a --database-url"));
        } catch (IOException e) {
            throw new StartupException(
                    "the data folder " + dataFolder + " cannot be read (" + StoreErrors.reason(e)
                            + "): run this as the account of the node",
                    e);
        }
    }

    /** Where it looks, without the password. */
    public String place() {
        return place.place();
    }

    /**
     * What the database knows of its nodes.
     *
     * @throws StartupException where it cannot be read
     */
    public ClusterRows cluster() {
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery(CLUSTER)) {
            @Nullable UUID database = null;
            var epoch = 0L;
            Optional<NodeId> leader = Optional.empty();
            var alive = new HashSet<NodeId>();
            var takingWork = new HashSet<NodeId>();
            var names = new HashMap<NodeId, String>();
            while (rows.next()) {
                database = rows.getObject("database", UUID.class);
                epoch = rows.getLong("epoch");
                leader = Optional.ofNullable(rows.getObject("leader", UUID.class))
                        .map(NodeId::new);
                var id = rows.getObject("node", UUID.class);
                if (id != null) {
                    var node = new NodeId(id);
                    names.put(node, rows.getString("name"));
                    if (rows.getBoolean("is_alive")) {
                        alive.add(node);
                        if (!rows.getBoolean("draining")) {
                            takingWork.add(node);
                        }
                    }
                }
            }
            return new ClusterRows(
                    requireNonNull(database, "a cluster has an id"), epoch, leader, alive, takingWork, names);
        } catch (SQLException e) {
            throw new StartupException(
                    "the nodes cannot be read from the database at " + place.place() + " (" + why(e)
                            + "): see what the check migrations tells",
                    e);
        }
    }

    /**
     * Makes all checks, one after the other, and tells each as soon as it is made. Together they take {@link #TOGETHER} times
     * as long as one may take, and the time of one: those that are left then are not made.
     */
    public void examine(Consumer<CheckResult> to) {
        var deadline = System.nanoTime() + limit.multipliedBy(TOGETHER).toNanos();
        to.accept(settings());
        var migrations = migrations();
        to.accept(migrations);
        to.accept(clock());
        Stream.concat(ServerExamination.ALL.stream(), DoctorChecks.ALL.stream())
                .forEach(check -> to.accept(System.nanoTime() - deadline < 0 ? checked(check) : leftOut(check)));
    }

    private CheckResult leftOut(DoctorChecks.Check check) {
        return CheckResult.unknown(
                check.name(),
                check.meaning(),
                "the checks before it took " + limit.multipliedBy(TOGETHER).toSeconds()
                        + " s together: give them more by --timeout, of which all may take " + TOGETHER
                        + " times as much");
    }

    private CheckResult settings() {
        var name = "server";
        var meaning = "the server's version and settings keep what is accepted, also when it crashes";
        try {
            var wrong = ServerChecks.problems(ServerChecks.read(connection), connectionsNeeded).stream()
                    // This very connection only reads.
                    .filter(problem -> !problem.startsWith("default_transaction_read_only"))
                    .toList();
            return wrong.isEmpty()
                    ? CheckResult.ok(name, meaning)
                    : CheckResult.found(name, meaning, wrong, "as each says; a node does not start like this");
        } catch (SQLException e) {
            return CheckResult.unknown(name, meaning, why(e));
        }
    }

    private CheckResult migrations() {
        var name = "migrations";
        var meaning = "the schema is that of this release";
        try {
            var wrong = Migrations.differences(place.jdbcUrl(), place.user(), place.password());
            return wrong.isEmpty()
                    ? CheckResult.ok(name, meaning)
                    : CheckResult.found(
                            name,
                            meaning,
                            wrong,
                            "a node of this release brings it up to date at its start; where the schema is newer, examine"
                                    + " it with the release that made it");
        } catch (StartupException e) {
            return CheckResult.unknown(name, meaning, String.valueOf(e.getMessage()));
        }
    }

    private CheckResult clock() {
        var name = "clock";
        var meaning = "the clock of this machine goes with that of the database, by which everything is decided";
        try (var statement = connection.createStatement()) {
            var before = System.currentTimeMillis();
            try (var row = statement.executeQuery("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")) {
                row.next();
                var after = System.currentTimeMillis();
                var ahead = before + (after - before) / 2 - row.getLong(1);
                return Math.abs(ahead) <= CLOCKS_DIFFER_MAX.toMillis() + (after - before) / 2
                        ? CheckResult.ok(name, meaning)
                        : CheckResult.found(
                                name,
                                meaning,
                                List.of("this machine is " + Math.abs(ahead) + " ms "
                                        + (ahead > 0 ? "ahead of" : "behind") + " the database"),
                                "synchronize both by NTP; schedules fire by the database's clock");
            }
        } catch (SQLException e) {
            return CheckResult.unknown(name, meaning, why(e));
        }
    }

    private CheckResult checked(DoctorChecks.Check check) {
        try {
            return check.parts() == Parts.NONE
                    ? result(check, rows(check.sql(), COUNTED + 1), "")
                    : checkedInParts(check);
        } catch (SQLException e) {
            return CheckResult.unknown(check.name(), check.meaning(), why(e));
        }
    }

    /** From the newest on, as long as there is time. */
    private CheckResult checkedInParts(DoctorChecks.Check check) throws SQLException {
        var parts = check.parts();
        var deadline = System.nanoTime() + partsLimit.toNanos();
        var found = new ArrayList<String>();
        var upto = LAST_ID;
        var looked = 0L;
        while (found.size() <= COUNTED) {
            Optional<UUID> from;
            try {
                from = rows(parts.boundSql(parts.size), 1, upto).stream()
                        .map(UUID::fromString)
                        .findFirst();
                found.addAll(rows(check.sql(), COUNTED + 1, from.orElse(NO_ID), upto));
            } catch (SQLException e) {
                if (looked == 0 || !QUERY_CANCELED.equals(e.getSQLState())) {
                    throw e;
                }
                return result(
                        check,
                        found,
                        partly(parts, looked) + ", what comes then takes longer than --timeout by itself");
            }
            if (from.isEmpty()) {
                return result(check, found, "");
            }
            looked += parts.size;
            upto = from.get();
            if (System.nanoTime() > deadline) {
                return result(check, found, partly(parts, looked) + "; --timeout gives time for more");
            }
        }
        return result(check, found, "");
    }

    private static String partly(Parts parts, long looked) {
        return "the newest " + looked + " " + parts.what + " were looked at";
    }

    /** The first column of so many rows; {@code $1} and {@code $2} stand for these ids. */
    private List<String> rows(String sql, int limit, UUID... parameters) throws SQLException {
        var numbers = PARAMETER
                .matcher(sql)
                .results()
                .map(found -> Integer.parseInt(found.group(1)))
                .toList();
        try (var statement = connection.prepareStatement(PARAMETER.matcher(sql).replaceAll("?"))) {
            statement.setMaxRows(limit);
            for (var place = 0; place < numbers.size(); place++) {
                statement.setObject(place + 1, parameters[numbers.get(place) - 1]);
            }
            var found = new ArrayList<String>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    found.add(String.valueOf(rows.getString(1)));
                }
            }
            return found;
        }
    }

    private static CheckResult result(DoctorChecks.Check check, List<String> found, String note) {
        return new CheckResult(
                check.name(),
                found.isEmpty() ? CheckResult.Outcome.OK : CheckResult.Outcome.FOUND,
                check.meaning(),
                found.size(),
                found.subList(0, Math.min(EXAMPLES, found.size())),
                found.isEmpty() ? "" : check.cure(),
                note);
    }

    private String why(SQLException e) {
        return switch (String.valueOf(e.getSQLState())) {
            case QUERY_CANCELED -> "it took longer than " + limit.toSeconds() + " s: give it more by --timeout";
            case LOCK_NOT_AVAILABLE -> "a table is locked by others: try again";
            default -> StoreErrors.message(e);
        };
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException _) {
            // It is gone either way.
        }
    }
}
