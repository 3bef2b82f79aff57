package dev.orrery.testing;

import dev.orrery.store.Migrations;
import dev.orrery.store.PostgresBinaries;
import dev.orrery.store.ServerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The PostgreSQL that tests run on: the one of {@code TEST_DATABASE_URL}, else the bundled one, started once in this JVM
 * and gone with it. It is migrated once into a template; each test gets a copy of its own in about 50 ms. The programs of
 * another installation serve instead when {@code TEST_POSTGRES_BIN} names their folder.
 */
public final class Postgres implements AutoCloseable {

    private static final Path DEBIAN_15 = Path.of("/usr/lib/postgresql/15/bin");

    /** As a server must be set for us to trust it. */
    private static final List<String> SAFE = List.of(
            "unix_socket_directories=",
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            "log_min_messages=log");

    private static final String FOLDER = "orrery-test-postgres-";

    /** Fast because nothing must survive: tests of durability start servers of their own. */
    private static final List<String> FAST = List.of(
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=128MB",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "autovacuum_naptime=10s",
            "max_wal_size=4GB",
            "checkpoint_timeout=1h",
            "jit=off",
            "lc_messages=C",
            "timezone=UTC",
            "log_min_messages=log");

    private final String host;
    private final int port;
    private final String user;
    private final String password;
    private final String template;
    private final AtomicInteger copies = new AtomicInteger();
    private final Runnable end;
    private final Thread endOfJvm;

    private Postgres(String host, int port, String user, String password, Consumer<Postgres> end) {
        this.host = host;
        this.port = port;
        this.user = user;
        this.password = password;
        this.template = "orrery_template_" + ProcessHandle.current().pid();
        this.end = () -> end.accept(this);
        this.endOfJvm = new Thread(this.end);
        Runtime.getRuntime().addShutdownHook(endOfJvm);
    }

    /** A migrated database for one test, on the usual server. */
    public static TestDatabase freshDatabase() {
        return usual().fresh();
    }

    /** A database without our schema. */
    public static TestDatabase emptyDatabase() {
        return usual().empty();
    }

    public static Postgres usual() {
        return Usual.SERVER;
    }

    /** The oldest server that we support, as Debian 12 packages it; without it the test is skipped, in CI it fails. */
    public static Postgres debian15() {
        requireDebian15();
        return Debian15.SERVER;
    }

    private static void requireDebian15() {
        Needed.that(
                Files.isExecutable(DEBIAN_15.resolve("postgres")),
                "PostgreSQL 15 is not installed in " + DEBIAN_15 + ": apt-get install postgresql-15");
    }

    /** One that all tests of this JVM share too, and set as one must be that holds real work: nodes take no other. */
    public static Postgres usualSafe() {
        return UsualSafe.SERVER;
    }

    /** A server of the caller's own, set as one must be that holds real work, but for what is given; close it. */
    public static Postgres safe(String... settings) {
        return safe(fastFolder(), settings);
    }

    /** As {@link #safe(String...)}, on the disk: for what measures. */
    public static Postgres onDisk(String... settings) {
        return safe(tempFolder(), settings);
    }

    private static Postgres safe(Path place, String... settings) {
        return start(
                place,
                bundled(),
                Stream.concat(SAFE.stream(), Stream.of(settings)).toList());
    }

    /** As {@link #safe(String...)}, of the oldest version that we support. */
    public static Postgres safeDebian15() {
        requireDebian15();
        return start(fastFolder(), new PostgresBinaries(DEBIAN_15), SAFE);
    }

    /** As {@link #safe(String...)}, with a clock of its own; {@code folder} is where its start lies. */
    public static Postgres safeUnder(FakeClock clock, Path folder) throws IOException {
        return start(fastFolder(), under(clock, folder), SAFE);
    }

    private static PostgresBinaries under(FakeClock clock, Path folder) throws IOException {
        var real = bundled();
        var script = new StringBuilder("#!/bin/sh\n");
        clock.environment().forEach((name, value) -> script.append("export %s='%s'%n".formatted(name, value)));
        script.append("exec '%s' \"$@\"%n".formatted(real.program("postgres")));
        var all = PosixFilePermissions.fromString("rwxr-xr-x");
        Files.setPosixFilePermissions(folder, all);
        var bin = Files.createDirectory(folder.resolve("bin"));
        Files.setPosixFilePermissions(Files.writeString(bin.resolve("postgres"), script), all);
        Files.createSymbolicLink(bin.resolve("initdb"), real.program("initdb"));
        return new PostgresBinaries(bin);
    }

    @Override
    public void close() {
        Runtime.getRuntime().removeShutdownHook(endOfJvm);
        end.run();
    }

    public TestDatabase fresh() {
        var name = newName();
        execute("CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy".formatted(name, template));
        return new TestDatabase(this, name);
    }

    public TestDatabase empty() {
        var name = newName();
        execute("CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'".formatted(name));
        return new TestDatabase(this, name);
    }

    String host() {
        return host;
    }

    int port() {
        return port;
    }

    String user() {
        return user;
    }

    String password() {
        return password;
    }

    String jdbcUrl(String database) {
        return "jdbc:postgresql://" + host + ":" + port + "/" + database + "?connectTimeout=5&socketTimeout=120";
    }

    /** Bare SQL as superuser, outside any test database. */
    public void administer(String sql) {
        execute(sql);
    }

    void drop(String name) {
        execute("DROP DATABASE IF EXISTS %s WITH (FORCE)".formatted(name));
    }

    private String newName() {
        return "orrery_test_%d_%d".formatted(ProcessHandle.current().pid(), copies.incrementAndGet());
    }

    private void migrateTemplate() {
        execute("CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'".formatted(template));
        Migrations.run(jdbcUrl(template), user, password);
    }

    private void execute(String sql) {
        try (var connection = DriverManager.getConnection(jdbcUrl("postgres"), user, password);
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private static Postgres given(String url) {
        var uri = URI.create(url.startsWith("jdbc:") ? url.substring("jdbc:".length()) : url);
        var login =
                URLDecoder.decode(uri.getRawUserInfo(), StandardCharsets.UTF_8).split(":", 2);
        var port = uri.getPort() < 0 ? 5432 : uri.getPort();
        var password = login.length > 1 ? login[1] : "";
        return new Postgres(uri.getHost(), port, login[0], password, given -> given.drop(given.template));
    }

    private static Postgres start(Path place, PostgresBinaries binaries, List<String> settings) {
        try {
            Folders.removeLeftOvers(place, FOLDER);
            var folder = Files.createTempDirectory(
                    place, FOLDER + ProcessHandle.current().pid() + "-");
            var password = randomPassword();
            var passwordFile = Files.writeString(folder.resolve("password"), password);
            var data = folder.resolve("data");
            ServerProcess.initialize(binaries, data, "postgres", passwordFile);
            var server = ServerProcess.start(
                    binaries, data, Ports.free(), settings, folder.resolve("server.log"), Duration.ofSeconds(30));
            return new Postgres("127.0.0.1", server.port(), "postgres", password, _ -> end(server, folder));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void end(ServerProcess server, Path folder) {
        server.close();
        Folders.delete(folder);
    }

    private static Path fastFolder() {
        return Memory.place().orElseGet(Postgres::tempFolder);
    }

    private static Path tempFolder() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    private static String randomPassword() {
        var bytes = new byte[16];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static PostgresBinaries bundled() {
        return PostgresBinaries.bundled(List.of(PostgresBinaries.userCache(), tempFolder()));
    }

    private static PostgresBinaries programs() {
        var bin = System.getenv("TEST_POSTGRES_BIN");
        return bin == null || bin.isBlank() ? bundled() : new PostgresBinaries(Path.of(bin));
    }

    private static final class Usual {
        static final Postgres SERVER = usualServer(System.getenv("TEST_DATABASE_URL"));

        private static Postgres usualServer(String url) {
            var server = url == null || url.isBlank() ? start(fastFolder(), programs(), FAST) : given(url);
            server.migrateTemplate();
            return server;
        }
    }

    private static final class UsualSafe {
        static final Postgres SERVER = start(fastFolder(), bundled(), SAFE);

        static {
            SERVER.migrateTemplate();
        }
    }

    private static final class Debian15 {
        static final Postgres SERVER = start(fastFolder(), new PostgresBinaries(DEBIAN_15), FAST);

        static {
            SERVER.migrateTemplate();
        }
    }
}
