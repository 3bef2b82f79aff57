package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.bus.Bus;
import dev.orrery.config.IsolationConfig;
import dev.orrery.config.TasksConfig;
import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.TaskAssignment.DagReference;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.dag.TaskType.Handler;
import dev.orrery.domain.dag.TaskType.Python;
import dev.orrery.domain.dag.TaskType.PythonSource;
import dev.orrery.domain.dag.TaskType.Shell;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.RetryPolicy;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Executors as a node has them, and tasks to try them with. */
final class Workbench implements AutoCloseable {

    static final String API = "http://127.0.0.1:18080";
    static final String TOKEN = "orrtask_" + "AbCd-_9".repeat(10) + "end12";
    static final RunId RUN = new RunId(UUID.fromString("019b0000-0000-7000-8000-000000000000"));
    static final DagId DAG = new DagId(UUID.fromString("019b0000-0000-7000-8000-000100000000"));

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final AtomicInteger NEXT_TASK = new AtomicInteger();

    final Vertx vertx = Vertx.vertx();
    final Path folder;
    final Bus bus;
    final Executors executors;

    Workbench(Path folder) {
        this(folder, Duration.ofSeconds(10));
    }

    Workbench(Path folder, Duration killGrace) {
        this(folder, killGrace, Isolation.probe());
    }

    Workbench(Path folder, Duration killGrace, Isolation isolation) {
        this(folder, killGrace, isolation, List.of(), IsolationConfig.DEFAULT, Duration.ZERO);
    }

    /** Of a node whose guard kills its attempts when it stands still for this long. */
    Workbench(Path folder, IsolationConfig demanded, Isolation isolation, Duration frozenAfter) {
        this(folder, Duration.ofSeconds(10), isolation, List.of(), demanded, frozenAfter);
    }

    /** With secrets for its tasks, and as far kept away from the node as is demanded. */
    Workbench(Path folder, List<String> secrets, IsolationConfig demanded) {
        this(folder, Duration.ofSeconds(10), Isolation.probe(), secrets, demanded, Duration.ZERO);
    }

    private Workbench(
            Path folder,
            Duration killGrace,
            Isolation isolation,
            List<String> secrets,
            IsolationConfig demanded,
            Duration frozenAfter) {
        this.folder = folder;
        this.bus = Bus.on(vertx);
        var config =
                new TasksConfig("tasks", "", killGrace, 1 << 20, List.of("127.0.0.0/8"), List.of(), secrets, demanded);
        this.executors = Executors.create(
                vertx,
                config,
                new ExecutorEnvironment(() -> API, folder, folder.resolve("data"), _ -> TOKEN, frozenAfter),
                bus,
                isolation);
    }

    @Override
    public void close() {
        await(executors.close());
        await(vertx.close());
    }

    Attempt start(TaskType type) {
        return start(task(type), Map.of(), 1);
    }

    Attempt start(TaskDefinition task, Map<TaskId, Json> inputs, int attempt) {
        return start(executors.of(task.type()), task, inputs, attempt);
    }

    Attempt start(TaskExecutor executor, TaskDefinition task, Map<TaskId, Json> inputs, int attempt) {
        var instance = TaskInstanceId.of(RUN, NEXT_TASK.incrementAndGet());
        var context = new TaskContext(
                instance,
                RUN,
                Optional.of(new DagReference(DAG, "night watch")),
                new Tenant(new TenantId(2), "acme"),
                task,
                attempt,
                77,
                OptionalLong.empty(),
                TraceContext.ofAttempt(instance, attempt, Optional.empty()),
                new Json("{\"day\":\"today\"}"),
                inputs);
        var stored = new StoredLog();
        var begun = new java.util.concurrent.CompletableFuture<Attempt>();
        vertx.runOnContext(_ -> {
            var log = new AttemptLog(vertx.getOrCreateContext(), stored, instance, attempt);
            begun.complete(new Attempt(executor.start(context, log), log, stored, context));
        });
        return begun.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
    }

    AttemptOutcome run(TaskType type) {
        return start(type).outcome();
    }

    static TaskDefinition task(TaskType type) {
        return new TaskDefinition(
                new TaskId("probe"),
                "probe",
                type,
                Duration.ofMinutes(5),
                RetryPolicy.DEFAULT,
                Set.of(),
                TaskDefinition.DEFAULT_PRIORITY,
                TaskDefinition.DEFAULT_QUEUE);
    }

    static Shell shell(String command) {
        return new Shell(command, Map.of(), Optional.empty());
    }

    static Python python(String code, String... args) {
        return new Python(new PythonSource.Code(code), List.of(args), Map.of(), Optional.empty(), Optional.empty());
    }

    static Handler handler(String name, String input) {
        return new Handler(name, new Json(input));
    }

    /** An attempt under way. */
    record Attempt(Execution execution, AttemptLog log, StoredLog stored, TaskContext context) {

        AttemptOutcome outcome() {
            return outcome(Duration.ofSeconds(30));
        }

        AttemptOutcome outcome(Duration limit) {
            var outcome = await(execution.outcome(), limit);
            await(log.close());
            return outcome;
        }

        String text() {
            return stored.text();
        }
    }

    /** A store of one log, which refuses what does not join on. */
    static final class StoredLog implements LogSink {

        private final Buffer bytes = Buffer.buffer();
        private int chunks;

        @Override
        public synchronized Future<Void> append(TaskInstanceId task, int attempt, long offset, Buffer chunk) {
            if (offset != bytes.length()) {
                return Future.failedFuture("expected offset " + bytes.length() + ", was given " + offset);
            }
            bytes.appendBuffer(chunk);
            chunks++;
            return Future.succeededFuture();
        }

        synchronized String text() {
            return bytes.toString(UTF_8);
        }

        synchronized int length() {
            return bytes.length();
        }

        synchronized int chunks() {
            return chunks;
        }
    }
}
