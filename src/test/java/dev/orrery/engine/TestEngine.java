package dev.orrery.engine;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.coordination.Pulse;
import dev.orrery.coordination.Trust;
import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.DagDefinition;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.Verdict;
import dev.orrery.engine.router.RouterMeters;
import dev.orrery.engine.router.RouterSettings;
import dev.orrery.engine.router.RouterVerticle;
import dev.orrery.engine.worker.TaskInputs;
import dev.orrery.engine.worker.WorkerSettings;
import dev.orrery.engine.worker.WorkerVerticle;
import dev.orrery.executor.TaskExecutor;
import dev.orrery.store.DagRepository;
import dev.orrery.store.DagVersions;
import dev.orrery.store.NewRun;
import dev.orrery.store.NodeRepository.AliveNode;
import dev.orrery.store.Pools;
import dev.orrery.store.WorkRepository;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;

/** A router and its workers on a database, without the rest of a node. */
final class TestEngine implements AutoCloseable {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private final TestDatabase database;
    private final Vertx vertx = Vertx.vertx();
    private final Pools pools;
    private final WorkRepository work;
    private final DagVersions stored;
    private final Bus bus = Bus.on(vertx);
    private final Trust trust = Trust.always();
    private final NodeId node = new NodeId(IDS.next(System.currentTimeMillis()));
    private final Map<Integer, PublishedDag> versions = new ConcurrentHashMap<>();
    private final Map<DagId, List<TaskDefinition>> published = new ConcurrentHashMap<>();
    private final List<String> deployments = new ArrayList<>();
    private final AtomicInteger versionsAsked = new AtomicInteger();
    private volatile boolean versionsHidden;
    private volatile boolean logsHeld;
    private final Queue<Promise<Void>> heldLogs = new ConcurrentLinkedQueue<>();
    private final AtomicInteger resultsRefused = new AtomicInteger();
    private volatile List<AliveNode> peers = List.of();
    private final Connection looking;

    TestEngine(TestDatabase database) throws SQLException {
        this(database, database.port());
    }

    /** {@code port}: where it finds the database, on this host. */
    TestEngine(TestDatabase database, int port) throws SQLException {
        this(database, vertx -> Pools.open(vertx, database.connectOptions().setPort(port), 4, 1_000));
    }

    /** {@code pools}: opens its connections to the database. */
    TestEngine(TestDatabase database, Function<Vertx, Pools> pools) throws SQLException {
        this.database = database;
        this.looking = database.connect();
        this.pools = pools.apply(vertx);
        this.work = new WorkRepository(vertx, this.pools.hot());
        this.stored = new DagVersions(vertx, this.pools.attempts(), 10_000_000);
        try (var connection = database.connect();
                var insert = connection.prepareStatement(
                        "INSERT INTO nodes (id, name, pid, mode, version) VALUES (?, 'n', 1, 'standalone', 'x')")) {
            insert.setObject(1, node.value());
            insert.execute();
        }
    }

    /**
     * How many workers there are, what each may hold, how often the router looks unasked, how it drains, and which queues it
     * serves, where not all.
     */
    record Shape(
            int workers,
            int concurrency,
            int queueCapacity,
            Duration leadTime,
            Duration poll,
            Duration drainTimeout,
            List<String> queues) {

        static Shape of(int workers, int concurrency) {
            return new Shape(
                    workers,
                    concurrency,
                    100,
                    Duration.ofMillis(50),
                    Duration.ofSeconds(1),
                    Duration.ofMillis(200),
                    List.of());
        }

        Shape withQueueCapacity(int capacity) {
            return new Shape(workers, concurrency, capacity, leadTime, poll, drainTimeout, queues);
        }

        /** When a task ends it claims as much more as the workers' queues take. */
        Shape claimingFarAhead() {
            return new Shape(workers, concurrency, queueCapacity, Duration.ofHours(1), poll, drainTimeout, queues);
        }

        Shape withPoll(Duration every) {
            return new Shape(workers, concurrency, queueCapacity, leadTime, every, drainTimeout, queues);
        }

        Shape withDrainTimeout(Duration timeout) {
            return new Shape(workers, concurrency, queueCapacity, leadTime, poll, timeout, queues);
        }

        Shape serving(String... names) {
            return new Shape(workers, concurrency, queueCapacity, leadTime, poll, drainTimeout, List.of(names));
        }
    }

    /** Starts the workers and then the router; every task goes to this executor. */
    void start(int workers, int concurrency, TaskExecutor executor) {
        start(Shape.of(workers, concurrency), executor);
    }

    void start(Shape shape, TaskExecutor executor) {
        for (var id : workers(shape.workers())) {
            deployments.add(await(vertx.deployVerticle(new WorkerVerticle(
                    id,
                    new WorkerSettings(shape.concurrency(), shape.queueCapacity(), 1 << 20, Duration.ofSeconds(1)),
                    _ -> executor,
                    _ -> Future.succeededFuture(TaskInputs.Inputs.NONE),
                    work::totalUsed,
                    (_, _, _, _) -> storeLog(),
                    trust::holds,
                    bus))));
        }
        startRouter(shape);
    }

    /** The router alone: the test answers for its workers. */
    void startRouter(Shape shape) {
        deployments.addFirst(await(vertx.deployVerticle(new RouterVerticle(
                node,
                workers(shape.workers()),
                new RouterSettings(
                        shape.poll(),
                        shape.leadTime(),
                        250,
                        shape.concurrency(),
                        shape.queueCapacity(),
                        shape.queues(),
                        shape.drainTimeout()),
                work,
                this::version,
                bus,
                new CountingMeters(),
                new SplittableRandom(),
                trust,
                new Pulse(),
                () -> peers))));
    }

    /** The router sees these nodes beside its own. */
    void seesPeers(List<AliveNode> nodes) {
        peers = nodes;
    }

    /** It knows the DAGs that were published by this one. */
    void knowsDagsOf(TestEngine other) {
        versions.putAll(other.versions);
    }

    /** How many results had lost their claim. */
    int resultsRefused() {
        return resultsRefused.get();
    }

    private final class CountingMeters implements RouterMeters {

        @Override
        public void attemptBegan(TaskAssignment attempt, Duration sinceClaim, Duration ago) {}

        @Override
        public void attemptEnded(AttemptEnded attempt, Verdict verdict, Duration duration) {}

        @Override
        public void exchanged(Duration duration, int reports) {}

        @Override
        public void exchangeFailed() {}

        @Override
        public void committed(TaskInstanceId task, Verdict verdict) {}

        @Override
        public void claimed(int tasks) {}

        @Override
        public void resultRefused(TaskInstanceId task) {
            resultsRefused.incrementAndGet();
        }
    }

    private List<WorkerId> workers(int count) {
        return IntStream.rangeClosed(1, count).mapToObj(n -> worker(n)).toList();
    }

    /** The worker with this number, from 1 on. */
    WorkerId worker(int number) {
        return WorkerId.of(node, number);
    }

    /** Whether reading a DAG version fails, as it does while the database is away. */
    void hideVersions(boolean hidden) {
        versionsHidden = hidden;
    }

    /** How often a DAG version was asked for. */
    int versionsAsked() {
        return versionsAsked.get();
    }

    private Future<PublishedDag> version(int versionId) {
        versionsAsked.incrementAndGet();
        if (versionsHidden) {
            return Future.failedFuture("no version " + versionId);
        }
        var known = versions.get(versionId);
        return known == null ? stored.version(versionId) : Future.succeededFuture(known);
    }

    DagId publish(List<TaskDefinition> tasks) throws SQLException {
        var id = Graphs.publish(database, tasks);
        published.put(id, tasks);
        var version = Integer.parseInt(database.value("SELECT id FROM dag_versions WHERE dag_id = '" + id + "'"));
        versions.put(
                version,
                PublishedDag.of(
                        version,
                        Tenant.DEFAULT,
                        new DagDefinition(
                                id,
                                "dag",
                                Optional.empty(),
                                tasks,
                                Optional.empty(),
                                "UTC",
                                Optional.empty(),
                                1,
                                Instant.EPOCH)));
        return id;
    }

    RunId trigger(DagId dag) {
        var run = newRun(dag);
        await(create(List.of(run)));
        return run.id();
    }

    NewRun newRun(DagId dag) {
        return new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                TenantId.DEFAULT,
                dag,
                Trigger.API,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    Future<List<NewRun.Result>> create(List<NewRun> runs) {
        return work.createRuns(runs)
                .onSuccess(_ -> bus.publish(Addresses.WORK_READY, new WorkReady(Set.of("default"))));
    }

    /** Asks a run to end, as the service does. */
    boolean cancel(RunId run) {
        return cancel(run, Optional.empty());
    }

    /** Asks one task to end; whether there is such a task. */
    boolean cancel(RunId run, String task) {
        return cancel(run, Optional.of(new TaskId(task)));
    }

    private boolean cancel(RunId run, Optional<TaskId> task) {
        return await(cancelling(run, task));
    }

    Future<Boolean> cancelling(RunId run, Optional<TaskId> task) {
        return work.cancel(TenantId.DEFAULT, run, task).map(done -> {
            done.ifPresent(_ -> bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked()));
            return done.isPresent();
        });
    }

    /** The states of a run's tasks in the order of the file, such as {@code "a succeeded, b skipped"}. */
    String states(RunId run) {
        return value("SELECT string_agg(task_id || ' ' || state, ', ' ORDER BY id) FROM task_states WHERE run_id = '"
                + run + "'");
    }

    String runState(RunId run) {
        return value("SELECT state FROM dag_runs WHERE id = '" + run + "'");
    }

    void awaitRun(RunId run, String state) {
        until("run is " + state, Duration.ofMinutes(2), () -> runState(run).equals(state));
    }

    void awaitStates(RunId run, String states) {
        until("tasks are " + states, () -> states(run).equals(states));
    }

    /** The first value of the first row; on one connection, since opening one for each look would cost more than all else. */
    String value(String sql) {
        try (var statement = looking.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return String.valueOf(rows.getString(1));
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }

    /** Log chunks are held back from now on, until they are let through. */
    void holdLogs(boolean hold) {
        logsHeld = hold;
        if (!hold) {
            heldLogs.forEach(Promise::tryComplete);
        }
    }

    private Future<Void> storeLog() {
        Promise<Void> stored = Promise.promise();
        heldLogs.add(stored);
        if (!logsHeld) {
            stored.tryComplete();
        }
        return stored.future();
    }

    Vertx vertx() {
        return vertx;
    }

    /** A repository on the engine's connections, for DAGs with versions. */
    DagRepository dags() {
        return new DagRepository(vertx, pools.api());
    }

    WorkRepository work() {
        return work;
    }

    Bus bus() {
        return bus;
    }

    NodeId node() {
        return node;
    }

    /** Undeploys the router, which drains, and then the workers. */
    void stop() {
        await(stopping());
    }

    /** The same, without waiting for the end. */
    Future<Void> stopping() {
        var end = Future.<Void>succeededFuture();
        for (var id : deployments) {
            end = end.compose(_ -> vertx.undeploy(id));
        }
        deployments.clear();
        return end;
    }

    @Override
    public void close() {
        stop();
        await(pools.close());
        await(vertx.close());
        try {
            looking.close();
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }
}
