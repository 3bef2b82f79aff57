package dev.orrery.executor;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;

import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.FailureKind.CouldNotStart;
import dev.orrery.domain.task.FailureKind.NamedError;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One attempt at a shell or python task: a folder, a process, two readers of its output, and the verdict on its end.
 *
 * <p>It has a thread of its own while it runs, since it waits for the process, and two more read: pipes block.
 */
final class ProcessExecution implements Execution {

    private static final System.Logger LOG = System.getLogger(ProcessExecution.class.getName());
    private static final int BLOCK = 64 << 10;
    private static final String TOO_LONG = "Argument list too long";

    /** How long output may still come after the end: only a process that escaped can hold the pipe open. */
    private static final Duration READ_ON = Duration.ofSeconds(2);

    private final ProcessParts parts;
    private final TaskContext context;
    private final AttemptLog log;
    private final Promise<AttemptOutcome> outcome = Promise.promise();
    private final Object monitor = new Object();

    // Guarded by the monitor: stop() may come before, while and after the process starts.
    private boolean stopAsked;
    private boolean killAsked;
    private @Nullable ProcessTree tree;

    ProcessExecution(ProcessParts parts, TaskContext context, AttemptLog log) {
        this.parts = parts;
        this.context = context;
        this.log = log;
    }

    @Override
    public Future<AttemptOutcome> outcome() {
        return outcome.future();
    }

    @Override
    public void stop() {
        ProcessTree running;
        synchronized (monitor) {
            if (stopAsked) {
                return;
            }
            stopAsked = true;
            running = tree;
        }
        if (running != null) {
            parts.threads().execute(() -> end(running));
        }
    }

    @Override
    public void kill() {
        ProcessTree running;
        synchronized (monitor) {
            if (killAsked) {
                return;
            }
            stopAsked = true;
            killAsked = true;
            running = tree;
        }
        if (running != null) {
            parts.threads().execute(() -> kill(running));
        }
    }

    /** Makes the whole attempt, on the thread of its caller, which waits for the process. */
    AttemptOutcome run() {
        AttemptFolder folder;
        try {
            folder = AttemptFolder.create(parts.workRoot().path(), context);
        } catch (IOException e) {
            return new Failed("cannot make the attempt's folder: " + e, true, new CouldNotStart());
        }
        try {
            return runIn(folder);
        } finally {
            WorkRoot.remove(folder.path());
        }
    }

    void complete(AttemptOutcome result) {
        outcome.complete(result);
    }

    private AttemptOutcome runIn(AttemptFolder folder) {
        try {
            var secrets = parts.secrets().of(context.tenant());
            var launch = parts.plan(context, folder, secrets);
            var mask = secrets.mask(parts.tokens().apply(context));
            return watch(start(launch, folder), launch, folder, mask);
        } catch (CannotStart missing) {
            log.line(missing.reason());
            return new Failed(missing.reason(), false, new CouldNotStart());
        } catch (IOException e) {
            var error = "cannot start: " + e.getMessage();
            log.line(error);
            return new Failed(error, !error.contains(TOO_LONG), new CouldNotStart());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Failed("the node is ending", true);
        }
    }

    private @Nullable Process start(Launch launch, AttemptFolder folder) throws IOException, InterruptedException {
        synchronized (monitor) {
            if (stopAsked) {
                return null;
            }
        }
        parts.confinement().handOver(folder, launch);
        return parts.spawner().spawn(parts.confinement().process(launch, folder));
    }

    private AttemptOutcome watch(@Nullable Process process, Launch launch, AttemptFolder folder, SecretMask mask)
            throws InterruptedException {
        if (process == null) {
            return new Failed("stopped before it started", true);
        }
        var processes = new ProcessTree(process, parts.confinement().level(), folder);
        letBeStopped(processes);
        var output = new OutputLineWatch();
        var errors = new LastLineWatch();
        var reading = parts.threads().submit(() -> read(process.getInputStream(), output, mask));
        var readingErrors = parts.threads().submit(() -> read(process.getErrorStream(), errors, mask));
        parts.confinement().feed(process, launch);
        var code = process.waitFor();
        sweep(processes);
        finish(reading, process.getInputStream());
        finish(readingErrors, process.getErrorStream());
        if (code != 0 && parts.spawner().wasFrozenSince(folder.home())) {
            return new Failed(
                    "the node stood still for so long that others may have taken over; its guard killed the attempt",
                    true,
                    new NamedError("NodeFrozen"));
        }
        return code == 0
                ? AttemptOutput.of(folder, parts.confinement()::isOfTheTask, output, mask)
                : failed(code, errors);
    }

    private void letBeStopped(ProcessTree processes) {
        boolean stopNow;
        boolean killNow;
        synchronized (monitor) {
            tree = processes;
            stopNow = stopAsked;
            killNow = killAsked;
        }
        if (killNow) {
            parts.threads().execute(() -> kill(processes));
        } else if (stopNow) {
            parts.threads().execute(() -> end(processes));
        }
    }

    private void end(ProcessTree processes) {
        try {
            endOf(processes);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void kill(ProcessTree processes) {
        try {
            processes.kill();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void endOf(ProcessTree processes) throws InterruptedException {
        try {
            processes.stop(parts.killGrace());
        } catch (RuntimeException bug) {
            LOG.log(ERROR, "cannot stop an attempt gently task=" + context.instanceId(), bug);
            processes.kill();
        }
    }

    /** What the command left behind dies with it; after a stop it has the same grace as the command. */
    private void sweep(ProcessTree processes) throws InterruptedException {
        boolean stopping;
        synchronized (monitor) {
            stopping = stopAsked;
        }
        if (stopping) {
            processes.awaitEnd(parts.killGrace());
        } else {
            processes.kill();
        }
    }

    private void read(InputStream stream, LineWatch watch, SecretMask mask) {
        var splitter = new LineSplitter(log::lines, watch, mask);
        var block = new byte[BLOCK];
        try {
            for (var length = stream.read(block); length >= 0; length = stream.read(block)) {
                splitter.accept(block, length);
            }
        } catch (IOException closed) {
            // The stream was closed on us after the deadline; what came before counts.
        }
        splitter.end();
    }

    private void finish(java.util.concurrent.Future<?> reading, InputStream stream) throws InterruptedException {
        try {
            reading.get(READ_ON.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            log.line(
                    "[a process that the task left behind still holds its output; what it writes from now on is lost]");
            closeQuietly(stream);
        } catch (ExecutionException bug) {
            LOG.log(ERROR, "reading output failed task=" + context.instanceId(), bug.getCause());
        }
    }

    private static void closeQuietly(InputStream stream) {
        try {
            stream.close();
        } catch (IOException e) {
            LOG.log(DEBUG, "closing a pipe", e);
        }
    }

    private static AttemptOutcome failed(int code, LastLineWatch errors) {
        var last = errors.lastLine();
        var kind = ExitStatus.kind(code);
        var error = ExitStatus.describe(code) + last.map(line -> ": " + line).orElse("");
        if (code == ExitStatus.NOT_FOUND
                && last.filter(line -> line.contains("not found")).isPresent()) {
            return new Failed(
                    error + " (the shell found no such command; PATH is " + TaskEnvironment.PATH
                            + " unless the task's env sets it)",
                    false,
                    kind);
        }
        if (code == ExitStatus.CANNOT_EXECUTE
                && last.filter(line -> line.contains("ermission denied")).isPresent()) {
            return new Failed(error + " (the file is there but not executable)", false, kind);
        }
        if (code == ExitStatus.CANNOT_EXECUTE
                && last.filter(line -> line.contains(TOO_LONG)).isPresent()) {
            return new Failed(error + " (its environment and arguments are too long)", false, new CouldNotStart());
        }
        return new Failed(error, true, kind);
    }
}
