package dev.orrery.store;

import static java.lang.System.Logger.Level.INFO;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.domain.StartupException;
import io.vertx.core.net.ClientSSLOptions;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.SslMode;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;

/**
 * The open database of a node: reachable, safe to trust, and migrated to this release.
 *
 * <p>Opening blocks the caller, at most for the configured time to connect plus the migrations. What is wrong is told by a
 * {@link StartupException} in one line with its cure.
 */
public final class Database implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Database.class.getName());

    /** Connections of a node beside the pool of the API: those that move work, the beat, the reader of events, a start. */
    private static final int OTHER_CONNECTIONS = 12;

    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(Jdbc.CONNECT_SECONDS);
    private static final Duration RETRY_PAUSE = Duration.ofMillis(200);

    /** Answers that waiting cannot change: wrong login, no such database, no such right. */
    private static final Set<String> LASTING = Set.of("28P01", "28000", "3D000", "42501", "08004");

    private final DatabaseUrl place;
    private final String version;
    private final UUID id;
    private final Optional<EmbeddedServer> embedded;

    private Database(DatabaseUrl place, String version, UUID id, Optional<EmbeddedServer> embedded) {
        this.place = place;
        this.version = version;
        this.id = id;
        this.embedded = embedded;
    }

    /** Opens the server of {@code database.url}, or the embedded one with its data in the data folder. */
    public static Database open(DatabaseConfig config, Path dataFolder) {
        return open(config, dataFolder, () -> false);
    }

    /** The same, until it is no longer wanted: then a StartupException says so. */
    public static Database open(DatabaseConfig config, Path dataFolder, BooleanSupplier isOver) {
        if (!config.embedded()) {
            return open(DatabaseUrl.parse(config), config, Optional.empty(), isOver);
        }
        var server = EmbeddedServer.open(dataFolder, isOver);
        try {
            return open(server.place(), config, Optional.of(server), isOver);
        } catch (StartupException e) {
            server.close();
            throw e;
        }
    }

    private static Database open(
            DatabaseUrl place, DatabaseConfig config, Optional<EmbeddedServer> embedded, BooleanSupplier isOver) {
        try (var connection = connect(place, config.connectTimeout(), isOver)) {
            ServerChecks.require(ServerChecks.read(connection), config.poolSize() + OTHER_CONNECTIONS, place.place());
            Migrations.run(place.jdbcUrl(), place.user(), place.password(), isOver);
            var id = NodeRepository.databaseId(connection);
            return new Database(place, connection.getMetaData().getDatabaseProductVersion(), id, embedded);
        } catch (SQLException e) {
            throw new StartupException(
                    "the database server at " + place.place() + " failed while it was checked ("
                            + StoreErrors.message(e)
                            + "): look into its log, then start again",
                    e);
        }
    }

    /** For the Vert.x client: our schema, one time zone, and an isolation in which a later statement sees what was committed. */
    public PgConnectOptions connectOptions() {
        var options = new PgConnectOptions()
                .setHost(place.host())
                .setPort(place.port())
                .setDatabase(place.database())
                .setUser(place.user())
                .setPassword(place.password())
                .setCachePreparedStatements(true)
                .setPreparedStatementCacheMaxSize(256)
                .setPreparedStatementCacheSqlFilter(_ -> true) // long statements are the ones worth it
                .setReconnectAttempts(0) // whoever needs a connection decides about another try
                .addProperty("application_name", "orrery")
                .addProperty("search_path", Migrations.SCHEMA)
                .addProperty("default_transaction_isolation", "read committed")
                .addProperty("idle_in_transaction_session_timeout", "60s")
                .addProperty("jit", "off")
                .addProperty("TimeZone", "UTC");
        return place.sslMode().equals("disable") ? options : encrypted(options);
    }

    /** For the Vert.x client: no connection attempt and no dead peer may hold anyone for long. */
    public static NetClientOptions transportOptions() {
        return new NetClientOptions()
                .setConnectTimeout((int) CONNECT_LIMIT.toMillis())
                .setTcpKeepAlive(true)
                .setTcpNoDelay(true);
    }

    /** Without credentials. */
    public String jdbcUrl() {
        return place.jdbcUrl();
    }

    public String user() {
        return place.user();
    }

    public String password() {
        return place.password();
    }

    /** Made with the schema: tells databases apart. */
    public UUID id() {
        return id;
    }

    /** For people: the version and the place, for example {@code PostgreSQL 18.6, embedded in /home/me/.orrery}. */
    public String description() {
        return "PostgreSQL " + version + ", "
                + embedded.map(server -> "embedded, data in " + server.data()).orElse(place.place());
    }

    /** The process of the embedded server. */
    public Optional<Long> embeddedPid() {
        return embedded.map(EmbeddedServer::pid);
    }

    /** Stops the embedded server; close all pools before. */
    @Override
    public void close() {
        embedded.ifPresent(EmbeddedServer::close);
    }

    private PgConnectOptions encrypted(PgConnectOptions options) {
        var ssl = new ClientSSLOptions();
        place.rootCert().ifPresent(file -> ssl.setTrustOptions(new PemTrustOptions().addCertPath(file)));
        ssl.setTrustAll(!place.sslMode().startsWith("verify"));
        ssl.setHostnameVerificationAlgorithm(place.sslMode().equals("verify-full") ? "HTTPS" : "");
        return options.setSslMode(SslMode.of(place.sslMode())).setSslOptions(ssl);
    }

    /** A server that is just starting, or just gone, gets the configured time. */
    private static Connection connect(DatabaseUrl place, Duration limit, BooleanSupplier isOver) {
        var deadline = System.nanoTime() + limit.toNanos();
        var told = false;
        refuseUnreadable(place.rootCert());
        while (true) {
            try {
                return Jdbc.connect(place.jdbcUrl(), place.user(), place.password());
            } catch (SQLException e) {
                if (LASTING.contains(String.valueOf(e.getSQLState()))) {
                    throw new StartupException(refusal(place, e), e);
                }
                if (System.nanoTime() + RETRY_PAUSE.toNanos() > deadline) {
                    throw new StartupException(
                            "no PostgreSQL answers at " + place.place() + " within "
                                    + seconds(limit) + " s (" + reason(e)
                                    + "): start it, or correct database.url",
                            e);
                }
                if (!told) {
                    LOG.log(INFO, "event=database_awaited place=" + place.place() + " limit_s=" + seconds(limit));
                    told = true;
                }
            }
            if (isOver.getAsBoolean()) {
                throw new StartupException("told to stop while waiting for PostgreSQL at " + place.place());
            }
            ServerProcess.pause(RETRY_PAUSE);
        }
    }

    private static void refuseUnreadable(Optional<String> rootCert) {
        rootCert.filter(file -> !Files.isReadable(Path.of(file))).ifPresent(file -> {
            throw new StartupException("sslrootcert in database.url cannot be read: " + file);
        });
    }

    private static String reason(SQLException e) {
        return e.getCause() instanceof UnknownHostException ? "no host has this name" : StoreErrors.message(e);
    }

    private static String refusal(DatabaseUrl place, SQLException e) {
        var words = StoreErrors.message(e);
        var cure = String.valueOf(e.getSQLState()).equals("3D000")
                ? "create it (CREATE DATABASE \"" + place.database() + "\" ENCODING 'UTF8'), or correct database.url"
                : "correct the user and password in database.url (or database.user, database.password)";
        return "PostgreSQL at " + place.place() + " refuses the user '" + place.user() + "' (" + words + "): " + cure;
    }

    private static String seconds(Duration limit) {
        return String.format(Locale.ROOT, "%.3g", limit.toMillis() / 1000.0);
    }
}
