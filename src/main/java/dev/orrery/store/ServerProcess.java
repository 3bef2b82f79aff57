package dev.orrery.store;

import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * A PostgreSQL server on one data directory, run as a child of this JVM.
 *
 * <p>It has a session of its own, so that Ctrl-C on the terminal does not reach it before we have drained, and the
 * kernel tells it to shut down when this JVM dies, however it dies. Where the system lacks the tools for that
 * (util-linux), the next start on the folder stops what was left behind.
 */
public final class ServerProcess implements AutoCloseable {

    /** Session leader first, death signal last: a change of account clears it. */
    private static final List<String> OWN_SESSION = List.of("setsid");

    private static final List<String> DIES_WITH_US = List.of("setpriv", "--pdeathsig", "INT");
    private static final Duration POLL = Duration.ofMillis(5);

    /** For each kind of stop of a server that has not served anybody yet. */
    private static final Duration GIVEN_UP_LIMIT = Duration.ofSeconds(2);

    /** The death signal comes when the thread that started the child ends, so that thread must live as long as the JVM. */
    private static final ExecutorService SPAWNER = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("orrery-postgres-spawner").factory());

    private final Process process;
    private final int port;
    private final ServerLog log;

    private ServerProcess(Process process, int port, ServerLog log) {
        this.process = process;
        this.port = port;
        this.log = log;
    }

    /**
     * Starts the server on a port of 127.0.0.1 and waits until it takes connections.
     *
     * @param settings server settings as {@code name=value}, which win over the files in the data directory
     * @throws StartupException with the server's own words when it does not come up within the limit
     */
    public static ServerProcess start(
            PostgresBinaries binaries, Path data, int port, List<String> settings, Path logFile, Duration limit) {
        var account = ServerAccount.ofThisProcess();
        return start(binaries, account, data, port, settings, logFile, limit, () -> false);
    }

    static ServerProcess start(
            PostgresBinaries binaries,
            ServerAccount account,
            Path data,
            int port,
            List<String> settings,
            Path logFile,
            Duration limit,
            BooleanSupplier isOver) {
        var arguments = new ArrayList<>(List.of("-D", data.toString(), "-c", "port=" + port));
        settings.forEach(setting -> arguments.addAll(List.of("-c", setting)));
        var builder = new ProcessBuilder(command(account, binaries.program("postgres"), arguments))
                .directory(data.toFile())
                .redirectErrorStream(true);
        clean(builder);
        try {
            var process = spawn(builder);
            process.getOutputStream().close();
            var server = new ServerProcess(process, port, ServerLog.copy(process.getInputStream(), logFile));
            server.awaitReady(data, limit, isOver);
            return server;
        } catch (IOException e) {
            throw new StartupException("cannot start PostgreSQL (" + StoreErrors.reason(e) + ")", e);
        }
    }

    /** Another program has the port. */
    static final class PortTakenException extends StartupException {
        private static final long serialVersionUID = 1L;

        PortTakenException(int port) {
            super("PostgreSQL cannot listen on 127.0.0.1:" + port + ": another program has that port");
        }
    }

    /** Creates a new data directory in the given folder, which must be absent or empty. */
    public static void initialize(PostgresBinaries binaries, Path data, String superuser, Path passwordFile) {
        initialize(binaries, ServerAccount.ofThisProcess(), data, superuser, passwordFile, () -> false);
    }

    static void initialize(
            PostgresBinaries binaries,
            ServerAccount account,
            Path data,
            String superuser,
            Path passwordFile,
            BooleanSupplier isOver) {
        var arguments = new ArrayList<>(List.of(
                "--pgdata=" + data,
                "--username=" + superuser,
                "--pwfile=" + passwordFile,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--data-checksums",
                "--no-instructions"));
        // The builtin locale sorts and folds the same on every system and after every upgrade of its C library.
        arguments.addAll(
                majorOf(binaries) >= 17
                        ? List.of("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
                        : List.of("--locale=C.UTF-8"));
        var output = run(account.command(binaries.program("initdb"), arguments), Duration.ofSeconds(60), isOver);
        if (isOver.getAsBoolean()) {
            throw new StartupException("told to stop while a database is made in " + data);
        }
        if (output.exit() != 0) {
            var complaint = complaint(output.text());
            throw new StartupException(
                    "cannot make a database in " + data + ": " + complaint + StoreErrors.cure(complaint));
        }
    }

    /** The major version of these programs, for example 18. */
    public static int majorOf(PostgresBinaries binaries) {
        var output = run(List.of(binaries.program("postgres").toString(), "--version"), Duration.ofSeconds(10));
        var matcher = java.util.regex.Pattern.compile("\\(PostgreSQL\\) (\\d+)").matcher(output.text());
        if (output.exit() != 0 || !matcher.find()) {
            throw new StartupException("PostgreSQL's programs in " + binaries.bin() + " do not run on this system ("
                    + StoreErrors.firstLine(output.text()) + "): use a server of your own by database.url");
        }
        return Integer.parseInt(matcher.group(1));
    }

    public int port() {
        return port;
    }

    public long pid() {
        return process.pid();
    }

    public boolean alive() {
        return process.isAlive();
    }

    /** Waits until the server has ended, for whatever reason. */
    void awaitEnd() {
        process.onExit().join();
        log.close();
    }

    /** Stops fast: open transactions are rolled back, all that was committed is on disk. */
    @Override
    public void close() {
        stop(Duration.ofSeconds(10));
    }

    /** As {@link #close}, but with a limit, after which the server is stopped the hard way and recovers at its next start. */
    public void stop(Duration limit) {
        ServerSignals.stop(process.toHandle(), limit);
        log.close();
    }

    private void awaitReady(Path data, Duration limit, BooleanSupplier isOver) {
        var deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            if (!process.isAlive()) {
                log.close();
                if (log.portTaken()) {
                    throw new PortTakenException(port);
                }
                throw new StartupException("PostgreSQL ended while starting on " + data + ": " + log.failure()
                        + StoreErrors.cure(log.failure()));
            }
            if (PostmasterFile.read(data)
                    .filter(file -> file.pid() == pid() && file.ready())
                    .isPresent()) {
                return;
            }
            if (isOver.getAsBoolean()) {
                // Whatever it recovers from, it will recover from again.
                ServerSignals.stop(process.toHandle(), GIVEN_UP_LIMIT, GIVEN_UP_LIMIT);
                log.close();
                throw new StartupException("told to stop while PostgreSQL starts on " + data);
            }
            if (System.nanoTime() > deadline) {
                stop(Duration.ofSeconds(5));
                throw new StartupException(
                        "PostgreSQL on " + data + " was not ready after " + limit.toSeconds() + " s: " + log.failure());
            }
            pause(POLL);
        }
    }

    static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while waiting for PostgreSQL", e);
        }
    }

    private static List<String> command(ServerAccount account, Path program, List<String> arguments) {
        var command = new ArrayList<String>();
        if (Tools.HAVE_SETSID) {
            command.addAll(OWN_SESSION);
        }
        command.addAll(account.prefix());
        if (Tools.HAVE_SETPRIV) {
            command.addAll(DIES_WITH_US);
        }
        command.add(program.toString());
        command.addAll(arguments);
        return command;
    }

    /** Nothing of our environment may change what the server does. */
    private static void clean(ProcessBuilder builder) {
        var environment = builder.environment();
        var path = Optional.ofNullable(environment.get("PATH")).orElse("/usr/local/bin:/usr/bin:/bin");
        environment.clear();
        environment.put("PATH", path);
        environment.put("LC_ALL", "C");
        environment.put("TZ", "UTC");
    }

    private static Process spawn(ProcessBuilder builder) throws IOException {
        try {
            return SPAWNER.submit(builder::start).get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (TimeoutException e) {
            throw new IOException("the system did not start the process in 30 s", e);
        }
    }

    record Output(int exit, String text) {}

    static Output run(List<String> command, Duration limit) {
        return run(command, limit, () -> false);
    }

    private static Output run(List<String> command, Duration limit, BooleanSupplier isOver) {
        try {
            var file = Files.createTempFile("orrery-postgres-", ".out");
            try {
                var builder =
                        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(file.toFile());
                clean(builder);
                var process = builder.start();
                process.getOutputStream().close();
                if (!awaitEnd(process, limit, isOver)) {
                    process.destroyForcibly();
                    return new Output(-1, "no end within " + limit.toSeconds() + " s");
                }
                return new Output(process.exitValue(), Files.readString(file, StandardCharsets.UTF_8));
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while running " + command.getFirst(), e);
        }
    }

    private static boolean awaitEnd(Process process, Duration limit, BooleanSupplier isOver)
            throws InterruptedException {
        var deadline = System.nanoTime() + limit.toNanos();
        while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
            if (isOver.getAsBoolean()) {
                process.destroy(); // it removes what it has made so far
                return process.waitFor(GIVEN_UP_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            }
            if (System.nanoTime() > deadline) {
                return false;
            }
        }
        return true;
    }

    private static String complaint(String text) {
        return text.lines()
                .map(String::strip)
                .filter(line -> line.contains("error:") || line.contains("FATAL:") || line.contains("PANIC:"))
                .findFirst()
                .map(StoreErrors::bare)
                .orElseGet(() -> text.lines().map(String::strip).reduce("it said nothing", (_, line) -> line));
    }

    /** What util-linux offers here; probed once. */
    private static final class Tools {
        static final boolean HAVE_SETSID = runs("setsid", "true");
        static final boolean HAVE_SETPRIV = runs("setpriv", "--pdeathsig", "INT", "true");

        private static boolean runs(String... command) {
            try {
                return run(List.of(command), Duration.ofSeconds(5)).exit() == 0;
            } catch (UncheckedIOException e) {
                return false;
            }
        }
    }
}
