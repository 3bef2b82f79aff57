package dev.orrery.testing;

import dev.orrery.store.Migrations;
import io.vertx.pgclient.PgConnectOptions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** A database of one test, gone when it is closed. */
public final class TestDatabase implements AutoCloseable {

    private final Postgres server;
    private final String name;

    /** Kept for looking, since tests look again and again; guarded by this. */
    private @Nullable Connection eye;

    TestDatabase(Postgres server, String name) {
        this.server = server;
        this.name = name;
    }

    /** For the Vert.x client: our schema, the settings of the program. */
    public PgConnectOptions connectOptions() {
        return new PgConnectOptions()
                .setHost(server.host())
                .setPort(server.port())
                .setDatabase(name)
                .setUser(server.user())
                .setPassword(server.password())
                .setCachePreparedStatements(true)
                .setPreparedStatementCacheMaxSize(256)
                .setPreparedStatementCacheSqlFilter(_ -> true)
                .addProperty("search_path", Migrations.SCHEMA);
    }

    /** A connection for looking and arranging by bare SQL. */
    public Connection connect() throws SQLException {
        return DriverManager.getConnection(jdbcUrl() + "&currentSchema=" + Migrations.SCHEMA, user(), password());
    }

    /** The first column of the first row, as text. */
    public synchronized String value(String sql) {
        try {
            return value(eye(), sql);
        } catch (SQLException e) {
            var wasKept = eye != null;
            closeEye();
            if (wasKept && isBroken(e)) {
                return value(sql);
            }
            throw new AssertionError(sql, e);
        }
    }

    /** The server was started anew, or ended the connection. */
    private static boolean isBroken(SQLException e) {
        var state = String.valueOf(e.getSQLState());
        return state.startsWith("08") || state.startsWith("57P");
    }

    private Connection eye() throws SQLException {
        if (eye == null) {
            eye = connect();
        }
        return eye;
    }

    private static String value(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            if (!rows.next()) {
                throw new AssertionError("no row: " + sql);
            }
            return String.valueOf(rows.getString(1));
        }
    }

    private synchronized void closeEye() {
        try {
            if (eye != null) {
                eye.close();
            }
        } catch (SQLException e) {
            // It was broken; that is why it is closed.
        } finally {
            eye = null;
        }
    }

    public String jdbcUrl() {
        return server.jdbcUrl(name);
    }

    /** As the configuration takes it, with user and password. */
    public String url() {
        return "postgresql://" + user() + ":" + password() + "@" + server.host() + ":" + server.port() + "/" + name;
    }

    public String name() {
        return name;
    }

    public String host() {
        return server.host();
    }

    public int port() {
        return server.port();
    }

    public String user() {
        return server.user();
    }

    public String password() {
        return server.password();
    }

    @Override
    public void close() {
        closeEye();
        server.drop(name);
    }
}
