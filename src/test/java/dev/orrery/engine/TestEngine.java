package dev.orrery.engine;

import static dev.orrery.testing.Await.await;

import dev.orrery.bus.Bus;
import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.DagDefinition;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.engine.router.RouterMeters;
import dev.orrery.engine.router.RouterSettings;
import dev.orrery.engine.router.RouterVerticle;
import dev.orrery.engine.worker.TaskInputs;
import dev.orrery.engine.worker.WorkerSettings;
import dev.orrery.engine.worker.WorkerVerticle;
import dev.orrery.executor.TaskExecutor;
import dev.orrery.store.NewRun;
import dev.orrery.store.Pools;
import dev.orrery.store.WorkRepository;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** A router and its workers on a database, without the rest of a node. */
final class TestEngine implements AutoCloseable {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private final TestDatabase database;
    private final Vertx vertx = Vertx.vertx();
    private final Pools pools;
    private final WorkRepository work;
    private final Bus bus = Bus.on(vertx);
    private final NodeId node = new NodeId(IDS.next(System.currentTimeMillis()));
    private final Map<Integer, PublishedDag> versions = new ConcurrentHashMap<>();
    private final Map<DagId, List<TaskDefinition>> published = new ConcurrentHashMap<>();
    private final List<String> deployments = new ArrayList<>();
    private final AtomicInteger versionsAsked = new AtomicInteger();
    private volatile boolean versionsHidden;

    TestEngine(TestDatabase database) throws SQLException {
        this(database, database.port());
    }

    /** {@code port}: where it finds the database, on this host. */
    TestEngine(TestDatabase database, int port) throws SQLException {
        this.database = database;
        this.pools = Pools.open(vertx, database.connectOptions().setPort(port), 4, 1_000);
        this.work = new WorkRepository(pools.hot());
        try (var connection = database.connect();
                var insert = connection.prepareStatement(
                        "INSERT INTO nodes (id, name, pid, mode, version) VALUES (?, 'n', 1, 'standalone', 'x')")) {
            insert.setObject(1, node.value());
            insert.execute();
        }
    }

    /** Starts the workers and then the router; every task goes to this executor. */
    void start(int workers, int concurrency, TaskExecutor executor) {
        start(workers, concurrency, Duration.ofSeconds(1), executor);
    }

    /** {@code poll}: how often the router looks without a signal. */
    void start(int workers, int concurrency, Duration poll, TaskExecutor executor) {
        var ids = IntStream.rangeClosed(1, workers)
                .mapToObj(n -> WorkerId.of(node, n))
                .toList();
        for (var id : ids) {
            deployments.add(await(vertx.deployVerticle(new WorkerVerticle(
                    id,
                    new WorkerSettings(concurrency, 100, 1 << 20, Duration.ofSeconds(1)),
                    _ -> executor,
                    _ -> Future.succeededFuture(TaskInputs.Inputs.NONE),
                    (_, _, _, _) -> Future.succeededFuture(),
                    bus))));
        }
        deployments.addFirst(await(vertx.deployVerticle(new RouterVerticle(
                node,
                ids,
                new RouterSettings(
                        poll, Duration.ofMillis(50), 250, concurrency, 100, List.of(), Duration.ofMillis(200)),
                work,
                this::version,
                bus,
                RouterMeters.NONE,
                new SplittableRandom()))));
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
        var known = versionsHidden ? null : versions.get(versionId);
        return known == null ? Future.failedFuture("no version " + versionId) : Future.succeededFuture(known);
    }

    DagId publish(List<TaskDefinition> tasks) throws SQLException {
        var id = Graphs.publish(database, tasks);
        published.put(id, tasks);
        var version = Integer.parseInt(database.value("SELECT id FROM dag_versions WHERE dag_id = '" + id + "'"));
        versions.put(
                version,
                PublishedDag.of(
                        version,
                        TenantId.DEFAULT,
                        new DagDefinition(
                                id, "dag", Optional.empty(), tasks, Optional.empty(), "UTC", 1, Instant.EPOCH)));
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
                .onSuccess(_ -> bus.publish(
                        dev.orrery.bus.Addresses.WORK_READY,
                        new dev.orrery.bus.BusMessage.WorkReady(java.util.Set.of("default"))));
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
        deployments.forEach(id -> await(vertx.undeploy(id)));
        deployments.clear();
    }

    @Override
    public void close() {
        stop();
        await(pools.close());
        await(vertx.close());
    }
}
