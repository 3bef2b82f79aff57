package dev.orrery.executor;

import static java.lang.System.Logger.Level.ERROR;

import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Runs shell and python tasks as processes. */
final class ProcessExecutor implements TaskExecutor {

    private static final System.Logger LOG = System.getLogger(ProcessExecutor.class.getName());
    private static final Duration CLOSE_MARGIN = Duration.ofSeconds(15);
    private static final long POLL_MILLIS = 5;

    private final Vertx vertx;
    private final ProcessParts parts;
    private final Set<ProcessExecution> running = ConcurrentHashMap.newKeySet();
    private volatile boolean closing;

    ProcessExecutor(Vertx vertx, ProcessParts parts) {
        this.vertx = vertx;
        this.parts = parts;
    }

    @Override
    public Execution start(TaskContext task, AttemptLog log) {
        var execution = new ProcessExecution(parts, task, log);
        if (closing) {
            execution.complete(new Failed("the node is ending", true));
            return execution;
        }
        var caller = vertx.getOrCreateContext();
        running.add(execution);
        parts.threads().execute(() -> run(execution, task, caller));
        return execution;
    }

    /** Ends what still runs, with the usual grace, and then the threads. Blocks. */
    void close() throws InterruptedException {
        closing = true;
        var deadline = System.nanoTime() + parts.killGrace().plus(CLOSE_MARGIN).toNanos();
        running.forEach(ProcessExecution::stop);
        while (!running.isEmpty()) {
            if (System.nanoTime() > deadline) {
                LOG.log(
                        ERROR,
                        "attempts are still running; the watchdog ends them with the node count=" + running.size());
                return;
            }
            Thread.sleep(POLL_MILLIS);
        }
        parts.threads().shutdown();
        parts.spawner().close();
        parts.workRoot().close();
    }

    private void run(ProcessExecution execution, TaskContext task, Context caller) {
        AttemptOutcome outcome;
        try {
            outcome = execution.run();
        } catch (RuntimeException bug) {
            LOG.log(ERROR, "an attempt broke task=" + task.instanceId() + " attempt=" + task.attempt(), bug);
            outcome = new Failed("INTERNAL_ERROR: the executor failed; see the node's log", true);
        } finally {
            running.remove(execution);
        }
        var result = outcome;
        caller.runOnContext(_ -> execution.complete(result));
    }
}
