package dev.orrery.testing;

import dev.orrery.store.Migrations;
import io.vertx.pgclient.PgConnectOptions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;

/** A database of one test, gone when it is closed. */
public final class TestDatabase implements AutoCloseable {

    private final Postgres server;
    private final String name;

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
    public String value(String sql) {
        try (var connection = connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            if (!rows.next()) {
                throw new AssertionError("no row: " + sql);
            }
            return String.valueOf(rows.getString(1));
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
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
        server.drop(name);
    }
}
