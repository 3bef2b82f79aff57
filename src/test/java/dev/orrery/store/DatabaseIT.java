package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.domain.StartupException;
import dev.orrery.testing.Needed;
import dev.orrery.testing.Ports;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnection;
import io.vertx.sqlclient.Row;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Databases by URL. */
class DatabaseIT {

    private static Postgres server;

    @TempDir
    Path folder;

    @BeforeAll
    static void startServer() {
        server = Postgres.safe("max_connections=40");
    }

    @AfterAll
    static void stopServer() {
        server.close();
    }

    @Test
    void aSafeServerIsMigratedAndServesBothClients() throws Exception {
        try (var empty = server.empty();
                var database = open(empty)) {
            assertThat(database.description()).startsWith("PostgreSQL 18.").endsWith("/" + empty.name());
            assertThat(database.embeddedPid()).isEmpty();
            var row = ask(
                    database,
                    "SELECT current_setting('search_path'), current_setting('default_transaction_isolation'),"
                            + " current_setting('TimeZone'), current_setting('application_name'),"
                            + " current_setting('jit'), (SELECT name FROM tenants)");

            assertThat(row.deepToString()).isEqualTo("[orrery,read committed,UTC,orrery,off,default]");
        }
    }

    @Test
    void openingAgainChangesNothing() throws Exception {
        try (var empty = server.empty()) {
            open(empty).close();
            open(empty).close();

            assertThat(count(empty, "SELECT count(*) FROM flyway_schema_history WHERE version = '001'"))
                    .isEqualTo(1);
        }
    }

    @Test
    void anUnsafeServerIsRefusedAndLeftAsItWas() throws Exception {
        try (var unsafe = Postgres.safe("fsync=off", "synchronous_commit=off", "full_page_writes=off");
                var empty = unsafe.empty()) {
            assertThatThrownBy(() -> open(empty))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContainingAll(
                            empty.host() + ":" + empty.port(),
                            "set fsync = on",
                            "set synchronous_commit = on",
                            "set full_page_writes = on")
                    .hasMessageNotContaining("\n");
            assertThat(count(empty, "SELECT count(*) FROM pg_namespace WHERE nspname = 'orrery'"))
                    .isZero();
        }
    }

    @Test
    void aSettingOfTheRoleOrTheDatabaseCountsAsWell() {
        try (var empty = server.empty()) {
            server.administer("ALTER DATABASE " + empty.name() + " SET synchronous_commit = off");

            assertThatThrownBy(() -> open(empty)).hasMessageContaining("synchronous_commit is off");
        }
    }

    @Test
    void aWrongPasswordIsRefusedAtOnceAndNotShown() {
        try (var empty = server.empty()) {
            var config = config(empty.url().replace(":" + empty.password() + "@", ":guess@"), Duration.ofSeconds(60));

            assertThatThrownBy(() -> Database.open(config, folder))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContainingAll("refuses the user 'postgres'", "database.password")
                    .hasMessageNotContainingAny("guess", "\n");
        }
    }

    @Test
    void aDatabaseThatDoesNotExistIsToldWithTheCure() {
        try (var empty = server.empty()) {
            var config = config(empty.url() + "_missing", Duration.ofSeconds(60));

            assertThatThrownBy(() -> Database.open(config, folder))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContainingAll("CREATE DATABASE \"" + empty.name() + "_missing\"", "ENCODING 'UTF8'");
        }
    }

    @Test
    void aDatabaseOfAnotherEncodingIsRefused() {
        server.administer("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'");
        try (var empty = server.empty()) {
            var config = config(empty.url().replace("/" + empty.name(), "/latin"), Duration.ofSeconds(5));

            assertThatThrownBy(() -> Database.open(config, folder)).hasMessageContaining("encoding is LATIN1");
        }
    }

    @Test
    void anAccountWithoutRightsOrRoomIsRefused() {
        server.administer("CREATE ROLE guest LOGIN PASSWORD 'guest' CONNECTION LIMIT 5");
        try (var empty = server.empty()) {
            var login = empty.user() + ":" + empty.password() + "@";
            var config = config(empty.url().replace(login, "guest:guest@"), Duration.ofSeconds(5));

            assertThatThrownBy(() -> Database.open(config, folder))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContainingAll("may not create tables", "may open 5 connections and a node needs");
        }
    }

    @Test
    void theSchemaMayBeMadeByAnAdministratorForAnAccountWithFewRights() throws Exception {
        server.administer("CREATE ROLE tenant LOGIN PASSWORD 'tenant'");
        try (var empty = server.empty();
                var admin = empty.connect();
                var statement = admin.createStatement()) {
            statement.execute("CREATE SCHEMA orrery AUTHORIZATION tenant");
            var login = empty.user() + ":" + empty.password() + "@";

            try (var database = Database.open(config(empty.url().replace(login, "tenant:tenant@"), LIMIT), folder)) {
                assertThat(ask(database, "SELECT count(*) FROM tenants").getLong(0))
                        .isEqualTo(1);
            }
        }
    }

    @Test
    void aServerThatComesLateIsAwaited() throws Exception {
        try (var empty = server.empty();
                var door = new Door(empty.port())) {
            var config = config(empty.url().replace(":" + empty.port() + "/", ":" + door.port + "/"), LIMIT);
            var opening = CompletableFuture.supplyAsync(() -> Database.open(config, folder));

            door.awaitRefused(3);
            door.open();

            opening.get(60, TimeUnit.SECONDS).close();
        }
    }

    @Test
    void whereNobodyAnswersItGivesUpInTime() throws IOException {
        var port = Ports.free();
        var config = config("postgresql://u:secret@127.0.0.1:" + port + "/d", Duration.ofMillis(700));
        var start = System.nanoTime();

        assertThatThrownBy(() -> Database.open(config, folder))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("no PostgreSQL answers at 127.0.0.1:" + port + "/d within 0.700 s", "start it")
                .hasMessageNotContainingAny("secret", "\n");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(8));
    }

    @Test
    void aHostThatDoesNotExistIsToldAsSuch() {
        var config = config("postgresql://u:secret@no-such-host.invalid/d", Duration.ofMillis(700));

        assertThatThrownBy(() -> Database.open(config, folder))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("no PostgreSQL answers at no-such-host.invalid", "no host has this name");
    }

    @Test
    void aServerThatAcceptsAndSaysNothingIsGivenUpToo() throws IOException {
        try (var silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            var config = config(
                    "postgresql://u:p@127.0.0.1:" + silent.getLocalPort() + "/d?sslmode=disable",
                    Duration.ofMillis(500));
            var start = System.nanoTime();

            assertThatThrownBy(() -> Database.open(config, folder)).hasMessageContaining("no PostgreSQL answers");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
        }
    }

    @Test
    void encryptionIsUsedAndTheCertificateIsChecked() throws Exception {
        var key = certificate("right");
        var other = certificate("other");
        try (var encrypted = Postgres.safe(
                        "ssl=on", "ssl_cert_file=" + key, "ssl_key_file=" + key.resolveSibling("right.key"));
                var empty = encrypted.empty()) {
            var good = empty.url().replace("127.0.0.1", "localhost") + "?sslmode=verify-full&sslrootcert=";

            try (var database = Database.open(config(good + key, LIMIT), folder)) {
                assertThat(ask(database, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
                                .getBoolean(0))
                        .isTrue();
            }
            try (var database = Database.open(config(empty.url() + "?sslmode=require", LIMIT), folder)) {
                assertThat(ask(database, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
                                .getBoolean(0))
                        .isTrue();
            }
            assertThatThrownBy(() -> Database.open(config(good + other, Duration.ofSeconds(1)), folder))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContaining("no PostgreSQL answers");
            assertThatThrownBy(() -> Database.open(config(good + "/missing.pem", LIMIT), folder))
                    .hasMessageContaining("sslrootcert in database.url cannot be read: /missing.pem");
        }
    }

    @Test
    void theOldestSupportedServerIsOpened() throws Exception {
        try (var oldest = Postgres.safeDebian15();
                var empty = oldest.empty();
                var database = open(empty)) {
            assertThat(database.description()).startsWith("PostgreSQL 15.");
            assertThat(ask(database, "SELECT count(*) FROM tenants").getLong(0)).isEqualTo(1);
        }
    }

    private static final Duration LIMIT = Duration.ofSeconds(30);

    private Database open(TestDatabase database) {
        return Database.open(config(database.url(), LIMIT), folder);
    }

    private static DatabaseConfig config(String url, Duration limit) {
        return new DatabaseConfig(url, "", "", 8, limit);
    }

    private static Row ask(Database database, String sql) throws Exception {
        var vertx = Vertx.vertx();
        try {
            return PgConnection.connect(vertx, database.connectOptions())
                    .compose(connection -> connection.query(sql).execute())
                    .map(rows -> rows.iterator().next())
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(20, TimeUnit.SECONDS);
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
        }
    }

    private static long count(TestDatabase database, String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    /** A self-signed certificate for localhost, and its key beside it. */
    private Path certificate(String name) throws IOException {
        Needed.program("openssl", "openssl");
        var certificate = folder.resolve(name + ".pem");
        var key = folder.resolve(name + ".key");
        var made = ServerProcess.run(
                List.of(
                        "openssl",
                        "req",
                        "-x509",
                        "-newkey",
                        "ec",
                        "-pkeyopt",
                        "ec_paramgen_curve:prime256v1",
                        "-nodes",
                        "-days",
                        "2",
                        "-subj",
                        "/CN=localhost",
                        "-addext",
                        "subjectAltName=DNS:localhost",
                        "-keyout",
                        key.toString(),
                        "-out",
                        certificate.toString()),
                Duration.ofSeconds(30));
        assertThat(made.exit()).as(made.text()).isZero();
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
        return certificate;
    }

    /** A port behind which the server is not yet to be found: connections are cut until it is opened. */
    private static final class Door implements AutoCloseable {

        private final ServerSocket outside = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final int port = outside.getLocalPort();
        private final int behind;
        private final Semaphore refused = new Semaphore(0);
        private volatile boolean open;

        Door(int behind) throws IOException {
            this.behind = behind;
            Thread.ofVirtual().start(this::serve);
        }

        void awaitRefused(int times) throws InterruptedException {
            assertThat(refused.tryAcquire(times, 20, TimeUnit.SECONDS)).isTrue();
        }

        void open() {
            open = true;
        }

        @Override
        public void close() throws IOException {
            outside.close();
        }

        private void serve() {
            while (true) {
                try {
                    var caller = outside.accept();
                    if (open) {
                        var server = new Socket(InetAddress.getLoopbackAddress(), behind);
                        Thread.ofVirtual().start(() -> copy(caller, server));
                        Thread.ofVirtual().start(() -> copy(server, caller));
                    } else {
                        caller.close();
                        refused.release();
                    }
                } catch (IOException e) {
                    return; // closed
                }
            }
        }

        private static void copy(Socket from, Socket to) {
            try (from;
                    to) {
                from.getInputStream().transferTo(to.getOutputStream());
            } catch (IOException e) {
                assertThat(e).isNotNull(); // the other direction has ended
            }
        }
    }
}
