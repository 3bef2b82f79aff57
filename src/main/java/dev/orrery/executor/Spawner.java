package dev.orrery.executor;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Starts processes, all from threads that live as long as the node: the signal that kills a child at the death of its
 * parent is sent when the <em>thread</em> that started it ends.
 *
 * <p>A watchdog stands by: a small shell that waits for the end of a pipe held by the node. However the node ends, the
 * watchdog then kills every process whose environment names the node's work folder, and removes that folder. Where other nodes
 * take over what this one has, it is a guard too: a node that stands still, for its process is stopped or starved, cannot kill its
 * attempts before they run elsewhere, and so the watchdog does when it has heard nothing for some time.
 */
final class Spawner {

    private static final System.Logger LOG = System.getLogger(Spawner.class.getName());
    private static final int THREADS = 2;

    /** How often the node shows the watchdog that it lives. */
    private static final Duration BEAT = Duration.ofMillis(250);

    private static final Duration ROUND = Duration.ofMillis(500);

    /** It leaves off where the node goes on meanwhile: what that starts now is not to be hit. */
    private static final String PURGE = """
            trap '' HUP INT TERM
            silent=0
            purge() {
              for round in 1 2 3; do
                for file in $(grep -lsF -- "$1" /proc/[0-9]*/environ); do
                  [ "$silent" -ge 0 ] || return 0
                  pid=${file#/proc/}; kill -KILL "${pid%/environ}"
                done
                sleep 0.1
              done 2>/dev/null
            }
            """;

    private static final String WATCHDOG = PURGE + """
            read -r goodbye && exit 0
            purge "$1"
            rm -rf -- "$1\"""";

    /**
     * It counts rounds and not time: a machine that slept is no node that stood still. The shell that reads tells the one
     * that counts by signals.
     */
    private static final String GUARD = PURGE + """
            over=
            trap 'silent=-1' USR1
            trap 'over=yes' USR2
            exec 3<&0
            {
              while read -r word; do
                if [ "$word" = goodbye ]; then kill -KILL $$; exit; fi
                kill -USR1 $$
              done <&3
              kill -USR2 $$
            } &
            while [ -z "$over" ]; do
              sleep 0.5 & wait $!
              silent=$((silent + 1))
              if [ $silent -eq "$2" ]; then : >"$1/.frozen"; purge "$1"; : >"$1/.frozen"; fi
            done
            silent=0
            purge "$1"
            rm -rf -- "$1\"""";

    private final ExecutorService threads;
    private final Process watchdog;
    private final Path frozen;
    private final Optional<ScheduledExecutorService> beats;

    private Spawner(ExecutorService threads, Process watchdog, Path frozen, boolean isGuarded) {
        this.threads = threads;
        this.watchdog = watchdog;
        this.frozen = frozen;
        this.beats = isGuarded ? Optional.of(startBeats()) : Optional.empty();
    }

    /** {@code frozenAfter}: how long the node may stand still until its attempts are killed; zero: for ever. */
    static Spawner open(Isolation isolation, Path workRoot, Duration frozenAfter) {
        var threads = Executors.newFixedThreadPool(
                THREADS, Thread.ofPlatform().daemon().name("orrery-spawner-", 1).factory());
        try {
            return new Spawner(
                    threads,
                    startWatchdog(isolation, workRoot, frozenAfter),
                    workRoot.resolve(".frozen"),
                    !frozenAfter.isZero());
        } catch (IOException e) {
            threads.shutdown();
            throw new OrreryException(ErrorCode.INTERNAL_ERROR, "cannot start processes: " + e.getMessage(), e);
        }
    }

    /** Starts a process and waits for it to be there. */
    Process spawn(ProcessBuilder builder) throws IOException, InterruptedException {
        try {
            return threads.submit(builder::start).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IOException(e.getCause());
        }
    }

    /** Whether the guard has killed what ran, since this file was made. */
    boolean wasFrozenSince(Path file) {
        try {
            return Files.getLastModifiedTime(frozen).compareTo(Files.getLastModifiedTime(file)) >= 0;
        } catch (IOException never) {
            return false;
        }
    }

    /** Call when no process is left: the end of these threads would kill it. */
    void close() {
        threads.shutdown();
        beats.ifPresent(ScheduledExecutorService::shutdownNow);
        try (var pipe = watchdog.getOutputStream()) {
            pipe.write("goodbye\n".getBytes(US_ASCII));
        } catch (IOException e) {
            LOG.log(WARNING, "the watchdog of tasks was gone before the node", e);
        }
    }

    private ScheduledExecutorService startBeats() {
        var beating = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("orrery-guard-beat").factory());
        var _ = beating.scheduleWithFixedDelay(this::beat, 0, BEAT.toMillis(), TimeUnit.MILLISECONDS);
        return beating;
    }

    private void beat() {
        try {
            watchdog.getOutputStream().write("beat\n".getBytes(US_ASCII));
            watchdog.getOutputStream().flush();
        } catch (IOException e) {
            // What is thrown here ends the beats; close() says that the watchdog is gone.
            throw new UncheckedIOException(e);
        }
    }

    private static Process startWatchdog(Isolation isolation, Path workRoot, Duration frozenAfter) throws IOException {
        var script = frozenAfter.isZero() ? WATCHDOG : GUARD;
        var rounds = String.valueOf(Math.max(1, frozenAfter.dividedBy(ROUND)));
        var command =
                isolation.inSession(List.of("/bin/sh", "-c", script, "orrery-watchdog", workRoot.toString(), rounds));
        var builder = new ProcessBuilder(command)
                .directory(Path.of("/").toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().clear();
        builder.environment().put("PATH", TaskEnvironment.PATH);
        return builder.start();
    }
}
