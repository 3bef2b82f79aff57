package dev.orrery.fault;

import dev.orrery.store.PostgresBinaries;
import dev.orrery.store.ServerProcess;
import dev.orrery.testing.Ports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/** A PostgreSQL server that is stopped, killed and started again on its folder and port. */
final class Database implements AutoCloseable {

    private static final String NAME = "orrery";
    private static final String USER = "postgres";

    private final PostgresBinaries binaries = PostgresBinaries.bundled(
            List.of(PostgresBinaries.userCache(), Path.of(System.getProperty("java.io.tmpdir"))));
    private final Path folder;
    private final String password = UUID.randomUUID().toString();
    private final int port;
    private ServerProcess server;

    Database(Path folder) throws IOException, SQLException {
        this.folder = Files.createDirectories(folder);
        this.port = Ports.free();
        var passwordFile = Files.writeString(folder.resolve("password"), password);
        ServerProcess.initialize(binaries, folder.resolve("data"), USER, passwordFile);
        this.server = launch();
        try (var connection = connect("postgres");
                var statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + NAME);
        }
    }

    private ServerProcess launch() {
        var settings = List.of(
                "listen_addresses=127.0.0.1",
                "unix_socket_directories=",
                "max_connections=200",
                "shared_buffers=128MB");
        return ServerProcess.start(
                binaries, folder.resolve("data"), port, settings, folder.resolve("server.log"), Duration.ofSeconds(60));
    }

    int port() {
        return port;
    }

    /** As nodes are told it; {@code through} is the port of the proxy in between. */
    String url(int through) {
        return "postgresql://" + USER + ":" + password + "@127.0.0.1:" + through + "/" + NAME;
    }

    /** Past all proxies. */
    Connection connect() throws SQLException {
        var connection = connect(NAME);
        connection.setSchema("orrery");
        return connection;
    }

    private Connection connect(String database) throws SQLException {
        return DriverManager.getConnection(
                "jdbc:postgresql://127.0.0.1:" + port + "/" + database
                        + "?connectTimeout=2&socketTimeout=60&ApplicationName=fault-suite",
                USER,
                password);
    }

    /** {@code pg_ctl restart -m fast}. */
    void restart() {
        server.close();
        server = launch();
    }

    /** {@code pg_ctl stop -m immediate}: as a crash; the next start recovers. */
    void crash() {
        Processes.signal(server.pid(), "QUIT");
        Processes.awaitEnd(server.pid(), Duration.ofSeconds(10));
        server.close();
    }

    /** Returns when it takes connections. */
    void start() {
        server = launch();
    }

    @Override
    public void close() {
        server.close();
    }
}
