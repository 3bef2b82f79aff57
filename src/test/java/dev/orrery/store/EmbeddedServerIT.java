package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.domain.StartupException;
import dev.orrery.testing.Needed;
import dev.orrery.testing.Ports;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedServerIT {

    /** A folder after its first start: making one takes most of a test's time. */
    @TempDir
    static Path prototype;

    @TempDir
    Path folder;

    @BeforeAll
    static void makePrototype() {
        Database.open(DatabaseConfig.DEFAULT, prototype).close();
    }

    @Test
    void aNewFolderGetsAServerThatLosesNothing() throws Exception {
        try (var database = open()) {
            assertThat(text(database, "SHOW fsync")).isEqualTo("on");
            assertThat(text(database, "SHOW synchronous_commit")).isEqualTo("on");
            assertThat(text(database, "SHOW full_page_writes")).isEqualTo("on");
            assertThat(text(database, "SHOW data_checksums")).isEqualTo("on");
            assertThat(text(database, "SHOW listen_addresses")).isEqualTo("127.0.0.1");
            assertThat(text(database, "SHOW unix_socket_directories")).isEmpty();
            assertThat(text(database, "SHOW server_encoding")).isEqualTo("UTF8");
            assertThat(text(database, "SELECT datlocale FROM pg_database WHERE datname = 'orrery'"))
                    .isEqualTo("C.UTF-8");
            assertThat(text(database, "SELECT count(*) FROM orrery.flyway_schema_history WHERE NOT success"))
                    .isEqualTo("0");
        }
    }

    @Test
    void ourAccountOwnsTheTablesAndNothingElse() throws Exception {
        startedBefore();
        try (var database = open()) {
            assertThat(text(
                            database,
                            "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles"
                                    + " WHERE rolname = current_user"))
                    .isEqualTo("f");
            assertThatThrownBy(() -> text(database, "SELECT pg_read_file('pg_hba.conf')"))
                    .hasMessageContaining("permission denied");
        }
    }

    @Test
    void onlyThePasswordInAPrivateFileOpensTheDoor() throws Exception {
        try (var database = open()) {
            var pgpass = folder.resolve("postgresql/pgpass");

            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(pgpass)))
                    .isEqualTo("rw-------");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("postgresql"))))
                    .isEqualTo("rwx------");
            assertThat(Files.readString(pgpass)).contains(":orrery:" + database.password());
            for (var user : List.of("orrery", "postgres")) {
                assertThatThrownBy(() -> Jdbc.connect(database.jdbcUrl(), user, "guess"))
                        .isInstanceOfSatisfying(
                                SQLException.class,
                                e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
            }
        }
    }

    @Test
    void dataOutlivesTheNode() throws Exception {
        startedBefore();
        try (var database = open()) {
            execute(database, "CREATE TABLE kept AS SELECT 42 AS answer");
        }

        try (var database = open()) {
            assertThat(text(database, "SELECT answer FROM kept")).isEqualTo("42");
        }
    }

    @Test
    void closingStopsTheServerAndFreesTheFolder() throws Exception {
        startedBefore();
        var database = open();
        var server = ProcessHandle.of(database.embeddedPid().orElseThrow()).orElseThrow();

        database.close();

        assertThat(server.isAlive()).isFalse();
        assertThat(folder.resolve("postgresql/data/postmaster.pid")).doesNotExist();
        open().close();
    }

    @Test
    void aNodeKilledHardLosesNothingThatWasCommitted() throws Exception {
        startedBefore();
        var killed = HeldDatabase.open(folder);
        assertThat(killed.answer()).startsWith("open ");
        killed.kill();

        try (var database = open()) {
            assertThat(text(database, "SELECT pid FROM kept")).isEqualTo(Long.toString(killed.pid()));
        }
    }

    @Test
    void theServerEndsWithItsNode() throws Exception {
        startedBefore();
        Needed.that(
                ServerAccount.works(List.of("setpriv", "--pdeathsig", "INT", "unshare", "--user")),
                "setpriv and user namespaces are missing");
        try (var killed = HeldDatabase.open(folder)) {
            var server = killed.server();

            killed.kill();

            server.onExit().get(20, TimeUnit.SECONDS);
            assertThat(folder.resolve("postgresql/data/postmaster.pid")).doesNotExist();
        }
    }

    @Test
    void aServerLeftBehindIsStoppedAndItsRowsAreFound() throws Exception {
        startedBefore();
        try (var database = open()) {
            execute(database, "CREATE TABLE kept AS SELECT 42 AS answer");
        }
        var orphan = orphan();

        try (var database = open()) {
            assertThat(text(database, "SELECT answer FROM kept")).isEqualTo("42");
            assertThat(orphan.isAlive()).isFalse();
        }
    }

    @Test
    void childrenOfAServerThatWasKilledAreStoppedToo() throws Exception {
        startedBefore();
        try (var database = open()) {
            execute(database, "CREATE TABLE kept AS SELECT 42 AS answer");
        }
        var orphan = orphan();
        var children = orphan.descendants().toList();
        assertThat(children).isNotEmpty();
        children.forEach(child -> signal("STOP", child));
        signal("KILL", orphan);
        orphan.onExit().get(10, TimeUnit.SECONDS);

        try (var database = open()) {
            assertThat(text(database, "SELECT answer FROM kept")).isEqualTo("42");
            assertThat(children).noneMatch(ProcessHandle::isAlive);
        } finally {
            children.forEach(ProcessHandle::destroyForcibly);
        }
    }

    @Test
    void aProcessThatMerelyHasTheOldNumberIsLeftAlone() throws Exception {
        startedBefore();
        var other = new ProcessBuilder("sleep", "600").start();
        try {
            Files.writeString(folder.resolve("postgresql/data/postmaster.pid"), other.pid() + "\n/elsewhere\n");

            open().close();

            assertThat(other.isAlive()).isTrue();
        } finally {
            other.destroyForcibly();
        }
    }

    @Test
    void aServerThatDiesIsStartedAgainOnItsPort() throws Exception {
        startedBefore();
        try (var database = open()) {
            execute(database, "CREATE TABLE kept AS SELECT 42 AS answer");
            var dead = database.embeddedPid().orElseThrow();

            signal("KILL", ProcessHandle.of(dead).orElseThrow());

            await(() -> !database.embeddedPid().orElseThrow().equals(dead));
            assertThat(text(database, "SELECT answer FROM kept")).isEqualTo("42");
        }
    }

    @Test
    void aSecondNodeOnTheFolderIsRefusedWithTheFirstOnesNumber() throws Exception {
        startedBefore();
        try (var first = HeldDatabase.open(folder)) {
            assertThatThrownBy(this::open)
                    .isInstanceOf(StartupException.class)
                    .hasMessageContainingAll(folder.toString(), "process " + first.pid(), "--data-dir");
            assertThat(first.server().isAlive()).isTrue();
        }
        try (var first = open();
                var second = HeldDatabase.open(folder)) {
            assertThatThrownBy(this::open)
                    .hasMessageContaining("process " + ProcessHandle.current().pid());
            assertThat(second.answer())
                    .startsWith("refused ")
                    .contains("process " + ProcessHandle.current().pid());
            assertThat(text(first, "SELECT 1")).isEqualTo("1");
        }
    }

    @Test
    void aPortTakenByAnotherProgramIsPassedOver() throws Exception {
        startedBefore();
        try (var foreign = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var ports = new ArrayList<>(List.of(foreign.getLocalPort(), foreign.getLocalPort(), Ports.free()));

            try (var server = EmbeddedServer.open(
                    folder, PostgresBinaries.userCache(), ServerAccount.ofThisProcess(), ports::removeFirst)) {
                assertThat(server.port()).isNotEqualTo(foreign.getLocalPort());
            }
        }
    }

    @Test
    void whatACrashInTheMiddleOfTheFirstStartLeftIsRemoved() throws Exception {
        var unfinished = Files.createDirectories(folder.resolve("postgresql/data.unfinished/base"));
        Files.writeString(unfinished.resolve("1"), "half");
        Files.writeString(folder.resolve("postgresql/pgpass.unfinished"), "half");
        Files.writeString(folder.resolve("postgresql/initdb.password"), "half");

        open().close();

        try (var files = Files.list(folder.resolve("postgresql"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("data", "pgpass", "server.log");
        }
    }

    @Test
    void aCrashBetweenTheServersFirstStartAndOurDatabaseIsMended() throws Exception {
        startedBefore();
        try (var server = EmbeddedServer.open(folder)) {
            var admin = server.place().jdbcUrl().replace("/orrery?", "/postgres?");
            try (var connection =
                            Jdbc.connect(admin, "postgres", server.passwords().superuser());
                    var statement = connection.createStatement()) {
                statement.execute("DROP DATABASE orrery");
                statement.execute("DROP ROLE orrery");
            }
        }

        try (var database = open()) {
            assertThat(text(database, "SELECT current_user")).isEqualTo("orrery");
        }
    }

    @Test
    void settingsAreThoseOfTheReleaseAgainAfterEachStart() throws Exception {
        startedBefore();
        Files.writeString(folder.resolve("postgresql/data/postgresql.conf"), "fsync = off\n");
        Files.writeString(folder.resolve("postgresql/data/pg_hba.conf"), "host all all 0.0.0.0/0 trust\n");

        try (var database = open()) {
            assertThat(text(database, "SHOW fsync")).isEqualTo("on");
            assertThatThrownBy(() -> Jdbc.connect(database.jdbcUrl(), "orrery", "guess"))
                    .hasMessageContaining("password");
        }
    }

    @Test
    void dataOfAnotherMajorVersionIsRefused() throws Exception {
        startedBefore();
        Files.writeString(folder.resolve("postgresql/data/PG_VERSION"), "17\n");

        assertThatThrownBy(this::open)
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("is of PostgreSQL 17", "this release brings 18", "pg_dump");
    }

    @Test
    void aFolderThatIsAFileOrCannotBeMadeIsRefusedWithTheCure() throws Exception {
        var file = Files.createFile(folder.resolve("file"));

        assertThatThrownBy(() -> Database.open(DatabaseConfig.DEFAULT, file))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll(file.toString(), "is a file", "--data-dir");
        assertThatThrownBy(() -> Database.open(DatabaseConfig.DEFAULT, file.resolve("below")))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll(file.toString(), "--data-dir")
                .hasMessageNotContaining("\n");
        assertThatThrownBy(() -> Database.open(DatabaseConfig.DEFAULT, Path.of("/proc/orrery")))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("/proc/orrery", "--data-dir");
    }

    @Test
    void aFullDiskIsToldAndLeavesNothingHalf() throws Exception {
        var mounts = List.of("unshare", "--user", "--map-root-user", "--mount");
        Needed.that(
                ServerProcess.run(command(mounts, "mount", "-t", "tmpfs", "none", "/mnt"), LIMIT)
                                .exit()
                        == 0,
                "no right to mount in a namespace");
        PostgresBinaries.bundled(List.of(PostgresBinaries.userCache()));
        var script = "mount -t tmpfs -o size=16m none " + folder + " && exec \"$@\"";

        try (var node = HeldDatabase.open(
                folder, command(mounts, "/bin/sh", "-c", script, "sh").toArray(String[]::new))) {
            assertThat(node.answer())
                    .startsWith("refused ")
                    .contains("No space left on device", folder.toString())
                    .contains("make room");
        }
    }

    @Test
    void damagedDataIsToldInTheServersOwnWords() throws Exception {
        startedBefore();
        Files.writeString(folder.resolve("postgresql/data/global/pg_control"), "damaged");

        assertThatThrownBy(this::open)
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("PostgreSQL ended while starting", "server.log")
                .hasMessageNotContaining("\n");
    }

    @Test
    void theTerminalsInterruptDoesNotReachTheServer() throws Exception {
        startedBefore();
        try (var database = open()) {
            var server = database.embeddedPid().orElseThrow();
            var stat = Files.readString(Path.of("/proc/" + server + "/stat"));
            var session = stat.substring(stat.lastIndexOf(')') + 2).split(" ")[3];

            assertThat(session).isEqualTo(Long.toString(server));
        }
    }

    @Test
    void whereRootHasNoNamespacesTheServerRunsAsNobody() throws Exception {
        assumeOrFailAsRoot();
        var open = Files.createTempDirectory("orrery-nobody-"); // JUnit's own lie below one that only we may enter
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwx--x--x"));
        try (var server = EmbeddedServer.open(
                open.resolve("data"), PostgresBinaries.userCache(), ServerAccount.nobody(), Ports::free)) {
            assertThat(Files.getOwner(Path.of("/proc/" + server.pid())).getName())
                    .isEqualTo("nobody");
        } finally {
            StoreFiles.deleteTree(open);
        }
    }

    @Test
    void aFolderThatNobodyMayEnterIsRefusedWithTheCure() throws Exception {
        assumeOrFailAsRoot();
        var closed = Files.createDirectory(
                folder.resolve("closed"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));

        assertThatThrownBy(() -> EmbeddedServer.open(
                        closed.resolve("data"), PostgresBinaries.userCache(), ServerAccount.nobody(), Ports::free))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll("'nobody'", "as an ordinary user", "--data-dir");
    }

    private static final Duration LIMIT = Duration.ofSeconds(10);

    /** What a node finds that was started here before. */
    private void startedBefore() throws IOException {
        var copy = List.of("cp", "-a", prototype.resolve("postgresql").toString(), folder.toString());
        assertThat(ServerProcess.run(copy, Duration.ofSeconds(60)).exit()).isZero();
    }

    private Database open() {
        return Database.open(DatabaseConfig.DEFAULT, folder);
    }

    /** A server on the folder that no node holds, as a node killed hard leaves it where the kernel does not help. */
    private ProcessHandle orphan() throws IOException {
        var data = folder.resolve("postgresql/data").toRealPath();
        var postgres =
                PostgresBinaries.bundled(List.of(PostgresBinaries.userCache())).program("postgres");
        var command = ServerAccount.ofThisProcess()
                .command(postgres, List.of("-D", data.toString(), "-c", "port=" + Ports.free()));
        var process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        await(() -> PostmasterFile.read(data).filter(PostmasterFile::ready).isPresent());
        return process.toHandle();
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) {
        var deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("waited 20 s").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    private static void signal(String signal, ProcessHandle process) {
        ServerProcess.run(List.of("/bin/sh", "-c", "kill -" + signal + " " + process.pid()), LIMIT);
    }

    private static List<String> command(List<String> prefix, String... rest) {
        var command = new ArrayList<>(prefix);
        command.addAll(List.of(rest));
        return command;
    }

    private static void assumeOrFailAsRoot() {
        assumeTrue(System.getProperty("user.name").equals("root"), "only root needs another account");
    }

    private static String text(Database database, String sql) throws SQLException {
        try (var connection = Jdbc.connect(database.jdbcUrl(), database.user(), database.password());
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private static void execute(Database database, String sql) throws SQLException {
        try (var connection = Jdbc.connect(database.jdbcUrl(), database.user(), database.password());
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
