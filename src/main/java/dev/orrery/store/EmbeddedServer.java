package dev.orrery.store;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * The PostgreSQL server that a standalone node brings along: a real server of its own, on 127.0.0.1, with its data in
 * the node's data folder.
 *
 * <p>The order at start is what keeps the data safe: the folder's lock first, so that only one node touches it; then
 * whatever a killed node left running is stopped; then a new data directory is made beside its place and renamed into it
 * when it is complete; then the server starts. Should the server die while the node lives, it is started again.
 *
 * <p>In the folder {@code postgresql}: {@code data}, {@code server.log}, and {@code pgpass} with the passwords, in the
 * form that psql reads ({@code PGPASSFILE}).
 */
final class EmbeddedServer implements AutoCloseable {

    static final String USER = "orrery";
    static final String DATABASE = "orrery";
    static final String SUPERUSER = "postgres";

    private static final System.Logger LOG = System.getLogger(EmbeddedServer.class.getName());
    private static final int PORTS_TRIED = 10;
    private static final int PORT_LINE = 3; // of postmaster.pid
    private static final Duration START_LIMIT = Duration.ofMinutes(5); // recovery after a crash may take its time
    private static final Duration STOP_LIMIT = Duration.ofSeconds(15);
    private static final Duration RESTART_PAUSE_MIN = Duration.ofMillis(100);
    private static final Duration RESTART_PAUSE_MAX = Duration.ofSeconds(5);
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> OTHERS_MAY_ENTER = PosixFilePermissions.fromString("rwx--x--x");

    private final FolderLock lock;
    private final Path folder;
    private final Passwords passwords;
    private final PostgresBinaries binaries;
    private final ServerAccount account;
    private ServerProcess server;
    private boolean closed;

    /** Passwords of the server's two accounts: one owns our tables, the other is for making it. */
    record Passwords(String user, String superuser) {}

    private EmbeddedServer(
            FolderLock lock,
            Path folder,
            Passwords passwords,
            PostgresBinaries binaries,
            ServerAccount account,
            Ports ports,
            BooleanSupplier isOver) {
        this.lock = lock;
        this.folder = folder;
        this.passwords = passwords;
        this.binaries = binaries;
        this.account = account;
        this.server = start(ports, isOver);
        Thread.ofPlatform().daemon().name("orrery-postgres-watch").start(this::watch);
    }

    /** Starts the server of this data folder, made first if it is new. */
    static EmbeddedServer open(Path dataFolder) {
        return open(dataFolder, () -> false);
    }

    /** The same, until it is no longer wanted: then a StartupException says so, and nothing runs. */
    static EmbeddedServer open(Path dataFolder, BooleanSupplier isOver) {
        return open(
                dataFolder,
                PostgresBinaries.userCache(),
                ServerAccount.ofThisProcess(),
                EmbeddedServer::freePort,
                isOver);
    }

    static EmbeddedServer open(Path dataFolder, Path cache, ServerAccount account, Ports ports) {
        return open(dataFolder, cache, account, ports, () -> false);
    }

    private static EmbeddedServer open(
            Path dataFolder, Path cache, ServerAccount account, Ports ports, BooleanSupplier isOver) {
        try {
            makeFolder(dataFolder, account.owner().isEmpty() ? OWNER_ONLY : OTHERS_MAY_ENTER);
            var lock = FolderLock.acquire(dataFolder);
            EmbeddedServer opened = null;
            try {
                var folder = dataFolder.toRealPath().resolve("postgresql");
                opened = openLocked(lock, folder, cache, account, ports, isOver);
                opened.prepareDatabase();
                return opened;
            } catch (StartupException | IOException e) {
                close(opened, lock);
                throw e;
            }
        } catch (IOException e) {
            throw new StartupException(
                    "cannot use the data folder " + dataFolder + " (" + StoreErrors.reason(e)
                            + "): give this account write permission there and make room, or choose another with"
                            + " --data-dir",
                    e);
        }
    }

    private static void close(@org.jspecify.annotations.Nullable EmbeddedServer opened, FolderLock lock) {
        if (opened == null) {
            lock.close();
        } else {
            opened.close();
        }
    }

    private static EmbeddedServer openLocked(
            FolderLock lock, Path folder, Path cache, ServerAccount account, Ports ports, BooleanSupplier isOver)
            throws IOException {
        var data = folder.resolve("data");
        Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        account.own(folder);
        refuseOtherVersion(data);
        OrphanedServer.stop(data, STOP_LIMIT, isOver);
        // The account 'nobody' may not enter a home folder, so then the programs lie with the data.
        var binaries = PostgresBinaries.bundled(account.owner().isEmpty() ? List.of(cache, folder) : List.of(folder));
        var passwords = passwords(folder.resolve("pgpass"));
        if (!Files.exists(data)) {
            create(binaries, account, folder, passwords, isOver);
        }
        replace(data.resolve("postgresql.conf"), resource("postgresql.conf"));
        replace(data.resolve("pg_hba.conf"), resource("pg_hba.conf"));
        account.own(folder);
        return new EmbeddedServer(lock, folder, passwords, binaries, account, ports, isOver);
    }

    synchronized int port() {
        return server.port();
    }

    synchronized long pid() {
        return server.pid();
    }

    Passwords passwords() {
        return passwords;
    }

    Path data() {
        return folder.resolve("data");
    }

    /** Stops fast, within a limit; then the folder is free for another node. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            server.stop(STOP_LIMIT);
        }
        lock.close();
    }

    private static void makeFolder(Path folder, Set<PosixFilePermission> mode) throws IOException {
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new StartupException(
                    "the data folder " + folder + " is a file: remove it, or choose another folder with --data-dir");
        }
        Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(mode));
        if (!Files.isWritable(folder)) {
            throw new java.nio.file.AccessDeniedException(folder.toString());
        }
    }

    private static void refuseOtherVersion(Path data) throws IOException {
        try {
            var version = Files.readString(data.resolve("PG_VERSION")).strip();
            if (!version.equals(Integer.toString(PostgresBinaries.bundledMajor()))) {
                throw new StartupException("the data in " + data + " is of PostgreSQL " + version
                        + ", this release brings " + PostgresBinaries.bundledMajor()
                        + ": start the release that made it and take the data out with pg_dump, or choose another"
                        + " folder with --data-dir");
            }
        } catch (NoSuchFileException e) {
            if (Files.exists(data)) {
                throw new StartupException(
                        data + " is not a PostgreSQL data directory (PG_VERSION is missing): restore"
                                + " it, or move it away to begin anew",
                        e);
            }
        }
    }

    private static Passwords passwords(Path file) throws IOException {
        if (!Files.exists(file)) {
            var text =
                    "127.0.0.1:*:*:" + SUPERUSER + ":" + random() + "\n127.0.0.1:*:*:" + USER + ":" + random() + "\n";
            var unfinished = file.resolveSibling("pgpass.unfinished");
            Files.deleteIfExists(unfinished);
            writeDurably(unfinished, text);
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        }
        return new Passwords(password(file, USER), password(file, SUPERUSER));
    }

    private static String password(Path file, String user) throws IOException {
        var before = ":" + user + ":";
        return Files.readAllLines(file).stream()
                .filter(line -> line.contains(before))
                .map(line ->
                        line.substring(line.indexOf(before) + before.length()).strip())
                .findFirst()
                .orElseThrow(() -> new StartupException(file + " has no line for the account '" + user
                        + "': restore the file as it was when the data was made"));
    }

    private static String random() {
        var bytes = new byte[24];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** Makes the data directory beside its place; a crash in the middle leaves only what the next start removes. */
    private static void create(
            PostgresBinaries binaries, ServerAccount account, Path folder, Passwords passwords, BooleanSupplier isOver)
            throws IOException {
        var unfinished = folder.resolve("data.unfinished");
        StoreFiles.deleteTree(unfinished);
        LOG.log(INFO, "event=database_created folder=" + folder);
        var passwordFile = folder.resolve("initdb.password");
        Files.deleteIfExists(passwordFile);
        try {
            writeDurably(passwordFile, passwords.superuser());
            account.own(folder);
            ServerProcess.initialize(binaries, account, unfinished, SUPERUSER, passwordFile, isOver);
        } finally {
            Files.deleteIfExists(passwordFile);
        }
        Files.move(unfinished, folder.resolve("data"), StandardCopyOption.ATOMIC_MOVE);
        try (var directory = FileChannel.open(folder)) {
            directory.force(true);
        }
    }

    private static void replace(Path file, String text) throws IOException {
        if (Files.exists(file) && Files.readString(file).equals(text)) {
            return;
        }
        var unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
        Files.deleteIfExists(unfinished);
        writeDurably(unfinished, text);
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void writeDurably(Path file, String text) throws IOException {
        var mode = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        try (var channel = FileChannel.open(file, Set.of(CREATE_NEW, WRITE), mode)) {
            channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            channel.force(true);
        }
    }

    private static String resource(String name) throws IOException {
        try (var in = EmbeddedServer.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new StartupException("the jar is damaged: " + name + " is missing; download it again");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Where the server may listen: a number for each try. */
    interface Ports {
        int next() throws IOException;
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** A free port may be taken before the server has it: then with the next one. */
    private ServerProcess start(Ports ports, BooleanSupplier isOver) {
        for (var tried = 1; ; tried++) {
            try {
                return ServerProcess.start(
                        binaries,
                        account,
                        data(),
                        ports.next(),
                        List.of(),
                        folder.resolve("server.log"),
                        START_LIMIT,
                        isOver);
            } catch (ServerProcess.PortTakenException e) {
                if (tried == PORTS_TRIED) {
                    throw e;
                }
            } catch (IOException e) {
                throw new StartupException("no free port on 127.0.0.1 (" + StoreErrors.reason(e) + ")", e);
            }
        }
    }

    /** Whoever answers on the port must be our server; on the first start our account and database are made. */
    private void prepareDatabase() {
        try (var connection = connectOrCreate();
                var statement = connection.createStatement();
                var row = statement.executeQuery("SELECT current_setting('data_directory')")) {
            row.next();
            var served = Path.of(row.getString(1));
            if (!Files.isSameFile(served, data())) {
                throw new StartupException(
                        "the server on port " + port() + " serves " + served + " and not " + data() + ": start again");
            }
        } catch (SQLException | IOException e) {
            throw new StartupException(
                    "the embedded PostgreSQL in " + folder + " does not answer as it should (" + StoreErrors.message(e)
                            + ")",
                    e);
        }
    }

    private java.sql.Connection connectOrCreate() throws SQLException {
        try {
            return Jdbc.connect(url(DATABASE), USER, passwords.user());
        } catch (SQLException e) {
            if (!Set.of("28P01", "3D000", "28000").contains(String.valueOf(e.getSQLState()))) {
                throw e;
            }
            createDatabase();
            return Jdbc.connect(url(DATABASE), USER, passwords.user());
        }
    }

    private void createDatabase() throws SQLException {
        try (var connection = Jdbc.connect(url("postgres"), SUPERUSER, passwords.superuser());
                var statement = connection.createStatement()) {
            try (var row = statement.executeQuery("SELECT to_regrole('orrery') IS NULL,"
                    + " NOT EXISTS (SELECT FROM pg_database WHERE datname = 'orrery')")) {
                row.next();
                var noRole = row.getBoolean(1);
                var noDatabase = row.getBoolean(2);
                if (noRole) {
                    statement.execute("CREATE ROLE orrery");
                }
                statement.execute("ALTER ROLE orrery LOGIN PASSWORD '" + passwords.user() + "'");
                statement.execute("GRANT pg_monitor TO orrery");
                if (noDatabase) {
                    statement.execute("CREATE DATABASE orrery OWNER orrery STRATEGY file_copy");
                }
            }
        }
    }

    /** How to reach the server that runs in this folder, with the account of the nodes; empty where none runs. */
    static Optional<DatabaseUrl> running(Path folder) throws IOException {
        var file = folder.resolve("data/postmaster.pid");
        if (!Files.exists(file) || !Files.exists(folder.resolve("pgpass"))) {
            return Optional.empty();
        }
        var lines = Files.readAllLines(file);
        var isAlive = PostmasterFile.read(folder.resolve("data"))
                .filter(PostmasterFile::ready)
                .filter(server -> ProcessHandle.of(server.pid()).isPresent());
        if (isAlive.isEmpty() || lines.size() <= PORT_LINE) {
            return Optional.empty();
        }
        var port = Integer.parseInt(lines.get(PORT_LINE).strip());
        var password = password(folder.resolve("pgpass"), USER);
        return Optional.of(new DatabaseUrl("127.0.0.1", port, DATABASE, USER, password, "disable", Optional.empty()));
    }

    DatabaseUrl place() {
        return new DatabaseUrl("127.0.0.1", port(), DATABASE, USER, passwords.user(), "disable", Optional.empty());
    }

    private String url(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port() + "/" + database;
    }

    /** Starts the server again, on its port, when it ends though nobody asked it to. */
    private void watch() {
        var pause = RESTART_PAUSE_MIN;
        for (var current = current(); ; current = current()) {
            current.awaitEnd();
            if (isClosed()) {
                return;
            }
            LOG.log(ERROR, "event=server_died pid=" + current.pid() + " data=" + data());
            try {
                OrphanedServer.stop(data(), Duration.ofSeconds(5));
                takeUp(start(current::port, this::isClosed));
                pause = RESTART_PAUSE_MIN;
            } catch (StartupException | IOException e) {
                LOG.log(ERROR, "event=server_restart_failed reason=" + StoreErrors.message(e));
                ServerProcess.pause(pause);
                pause = Collections.min(List.of(pause.multipliedBy(2), RESTART_PAUSE_MAX));
            }
        }
    }

    private synchronized void takeUp(ServerProcess restarted) {
        server = restarted;
        if (closed) {
            restarted.stop(STOP_LIMIT);
        } else {
            LOG.log(WARNING, "event=server_restarted pid=" + restarted.pid() + " data=" + data());
        }
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    private synchronized ServerProcess current() {
        return server;
    }
}
