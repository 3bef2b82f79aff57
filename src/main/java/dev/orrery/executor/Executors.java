package dev.orrery.executor;

import static java.lang.System.Logger.Level.INFO;
import static java.util.Objects.requireNonNull;

import dev.orrery.bus.Bus;
import dev.orrery.config.TasksConfig;
import dev.orrery.domain.StartupException;
import dev.orrery.domain.dag.TaskType;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.util.Optional;

/** All executors of a node, and what they share. */
public final class Executors {

    private static final System.Logger LOG = System.getLogger(Executors.class.getName());

    private final String isolation;
    private final Path tasksDirectory;
    private final RunFolders runFolders;
    private final ProcessExecutor processes;
    private final HttpExecutor http;
    private final HandlerExecutor handlers;
    private final BuiltInHandlers builtIn;

    private Executors(
            Vertx vertx,
            ProcessParts parts,
            Path tasksDirectory,
            HttpExecutor http,
            HandlerExecutor handlers,
            BuiltInHandlers builtIn) {
        this.isolation = parts.confinement().description();
        this.tasksDirectory = tasksDirectory;
        this.runFolders = parts.runFolders();
        this.processes = new ProcessExecutor(vertx, parts);
        this.http = http;
        this.handlers = handlers;
        this.builtIn = builtIn;
    }

    /**
     * Finds out how the system can hold processes together, says it in the node's log, and registers the built-in
     * handlers. Blocks for some tens of milliseconds; throws where the data folder cannot be written or no process can
     * be started.
     */
    public static Executors create(Vertx vertx, TasksConfig config, ExecutorEnvironment environment, Bus bus) {
        var isolation = Isolation.probe();
        var executors = create(vertx, config, environment, bus, isolation);
        LOG.log(INFO, executors.isolation() + "; relative paths begin in " + executors.tasksDirectory());
        return executors;
    }

    static Executors create(
            Vertx vertx, TasksConfig config, ExecutorEnvironment environment, Bus bus, Isolation isolation) {
        requireNonNull(vertx, "vertx");
        var start = environment.startDirectory().toAbsolutePath().normalize();
        var data = environment.dataDirectory().toAbsolutePath().normalize();
        var tasksDirectory = start.resolve(config.directory()).normalize();
        var runDirectory = config.runDirectory().isEmpty()
                ? data.resolve("runs")
                : start.resolve(config.runDirectory()).normalize();
        var workRoot = WorkRoot.open(data.resolve("work"));
        var folders = new TaskFolders(
                data,
                workRoot.path(),
                runDirectory,
                config.directory().isEmpty() ? Optional.empty() : Optional.of(tasksDirectory));
        var secrets = new TaskSecrets(config.secretSources());
        secrets.complain();
        var parts = new ProcessParts(
                confined(config, isolation, folders, workRoot),
                Spawner.open(isolation, workRoot.path(), environment.frozenAfter()),
                workRoot,
                new LaunchPlans(new TaskPaths(tasksDirectory)),
                new RunFolders(runDirectory),
                environment.apiUrl(),
                environment.tokens(),
                secrets,
                config.killGrace(),
                java.util.concurrent.Executors.newCachedThreadPool(
                        Thread.ofPlatform().daemon().name("orrery-task-", 1).factory()));
        return new Executors(
                vertx,
                parts,
                tasksDirectory,
                new HttpExecutor(vertx, environment.apiUrl(), config.httpRules(), secrets),
                new HandlerExecutor(vertx, bus, config.killGrace()),
                new BuiltInHandlers(vertx, bus));
    }

    private static Confinement confined(
            TasksConfig config, Isolation isolation, TaskFolders folders, WorkRoot workRoot) {
        try {
            return Confinement.of(config.isolation(), isolation, folders);
        } catch (StartupException refused) {
            workRoot.close();
            throw refused;
        }
    }

    public TaskExecutor of(TaskType type) {
        return switch (type) {
            case TaskType.Shell _, TaskType.Python _ -> processes;
            case TaskType.Http _ -> http;
            case TaskType.Handler _, TaskType.FunctionCall _ -> handlers;
            case TaskType.Unreadable(var why) -> (_, _) -> new FailedAtOnce(why);
            case TaskType.RemoteWork remote ->
                throw new IllegalArgumentException("no node does the work of remote workers: " + remote);
        };
    }

    /** How the processes of an attempt are held together on this system, in a sentence for people. */
    public String isolation() {
        return isolation;
    }

    /** Where relative paths of tasks begin. */
    public Path tasksDirectory() {
        return tasksDirectory;
    }

    public RunFolders runFolders() {
        return runFolders;
    }

    /** Ends what still runs, with the usual grace, and gives back threads, connections and the work folder. */
    public Future<Void> close() {
        return builtIn.close()
                .eventually(handlers::close)
                .eventually(http::close)
                .compose(_ -> closeProcesses());
    }

    /** On a thread of its own: it may take as long as processes may take to end. */
    private Future<Void> closeProcesses() {
        Promise<Void> closed = Promise.promise();
        Thread.ofPlatform().name("orrery-close").start(() -> {
            try {
                processes.close();
                closed.complete();
            } catch (InterruptedException e) {
                closed.fail(e);
            }
        });
        return closed.future();
    }
}
