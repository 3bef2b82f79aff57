package dev.orrery.node;

import static dev.orrery.node.OpenParts.STEP_LIMIT;
import static dev.orrery.node.OpenParts.await;
import static java.lang.System.Logger.Level.INFO;

import dev.orrery.api.Api;
import dev.orrery.api.ApiServices;
import dev.orrery.api.Contract;
import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.DrainNode;
import dev.orrery.config.MemoryBudget;
import dev.orrery.config.OrreryConfig;
import dev.orrery.config.ProgramVersion;
import dev.orrery.coordination.Coordination;
import dev.orrery.coordination.Leadership;
import dev.orrery.coordination.Membership;
import dev.orrery.coordination.Pulse;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import dev.orrery.domain.WorkerId;
import dev.orrery.engine.deadletter.DeadLetterVerticle;
import dev.orrery.engine.router.RouterSettings;
import dev.orrery.engine.router.RouterVerticle;
import dev.orrery.engine.scheduler.SchedulerVerticle;
import dev.orrery.engine.worker.WorkerSettings;
import dev.orrery.engine.worker.WorkerVerticle;
import dev.orrery.executor.Executors;
import dev.orrery.executor.HandlerJars;
import dev.orrery.executor.RunFolders;
import dev.orrery.service.ClusterService;
import dev.orrery.service.DagService;
import dev.orrery.service.EventFeed;
import dev.orrery.service.JobDags;
import dev.orrery.service.JobFiring;
import dev.orrery.service.JobScheduler;
import dev.orrery.service.LockService;
import dev.orrery.service.QueueService;
import dev.orrery.service.RunService;
import dev.orrery.service.TaskQueue;
import dev.orrery.service.TenantService;
import dev.orrery.service.WorkerService;
import dev.orrery.service.deadletter.DeadLetterService;
import dev.orrery.store.ClusterRepository;
import dev.orrery.store.DagRepository;
import dev.orrery.store.DagVersions;
import dev.orrery.store.Database;
import dev.orrery.store.Endings;
import dev.orrery.store.EventRepository;
import dev.orrery.store.ExecutionRepository;
import dev.orrery.store.HealthRepository;
import dev.orrery.store.IdempotencyRepository;
import dev.orrery.store.JobListRepository;
import dev.orrery.store.JobRepository;
import dev.orrery.store.LockRepository;
import dev.orrery.store.LogRepository;
import dev.orrery.store.Pools;
import dev.orrery.store.QueueRepository;
import dev.orrery.store.ScheduledJobRepository;
import dev.orrery.store.SchedulerMetricsRepository;
import dev.orrery.store.TenantRepository;
import dev.orrery.store.WorkRepository;
import dev.orrery.telemetry.LogSetup;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.VertxMeters;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * A running node: its database, its place among the nodes, its engine and its API, started in this order and stopped in
 * the reverse one.
 */
public final class Node {

    /** The exit code of a process whose node has lost its right to work. */
    public static final int EXIT_FENCED = 70;

    private static final System.Logger LOG = System.getLogger(Node.class.getName());
    private static final long HEAP = Runtime.getRuntime().maxMemory();
    private static final int API_WAITING = 1_000;

    private final OrreryConfig config;
    private final Path startDirectory;
    private final Console console;
    private final Promise<Integer> ended = Promise.promise();
    private final OpenParts openParts = new OpenParts();
    private final NodeAddress places;
    private final Metrics metrics = new Metrics();

    private volatile URI address;

    private Node(OrreryConfig config, Path startDirectory, Console console) {
        this.config = config;
        this.startDirectory = startDirectory;
        this.console = console;
        this.places = new NodeAddress(config);
        // Tasks that are claimed before the API listens are told where it will.
        this.address = places.here(config.http().port());
    }

    /**
     * Starts a node, alone or as one of a cluster, and returns when it works. Blocks.
     *
     * @param startDirectory where relative paths of the configuration begin
     * @throws StartupException with one line for people; everything that was opened is closed again
     */
    public static Node start(OrreryConfig config, Path startDirectory, Console console) {
        var node = new Node(config, startDirectory, console);
        try {
            node.open();
            return node;
        } catch (RuntimeException e) {
            node.stop();
            throw OpenParts.withCure(e);
        }
    }

    /** Where the API listens. */
    public URI address() {
        return address;
    }

    /** Completes with an exit code when the node has ended by itself. */
    public Future<Integer> ended() {
        return ended.future();
    }

    /**
     * Stops: takes nothing new, hands back what has not begun, lets running tasks finish for the drain timeout, and
     * closes everything. Blocks; may be called once.
     */
    public void stop() {
        openParts.closeAll();
    }

    private void opened(String name, Duration limit, Runnable close) {
        openParts.opened(name, limit, close);
    }

    private void open() {
        LogSetup.level(config.log().level().name());
        var memory = MemoryBudget.of(config, HEAP);
        memory.requireFit();
        LOG.log(INFO, memory.text());
        places.requireFreePort();
        opened("metrics", STEP_LIMIT, metrics::close);
        var vertx = Vertx.builder().withMetrics(new VertxMeters(metrics)).build();
        opened("event loops", STEP_LIMIT, () -> await(vertx.close(), STEP_LIMIT));
        var join = new NodeJoin(config, openParts, places, console::isOver);
        var coordination = join.coordination();
        // To read the contract takes most of a second of a fresh JVM, which is also what a database takes to start.
        var contract = Contract.load(vertx);
        opened("contract", STEP_LIMIT, () -> await(contract.otherwiseEmpty(), STEP_LIMIT));
        var handlers = loadHandlers();
        var database = phase("opening the database", () -> {
            var opened = Database.open(config.database(), config.node().dataDir(), console::isOver);
            opened("database", STEP_LIMIT.plus(STEP_LIMIT), opened::close);
            return opened;
        });
        console.say(database.description());
        var random = new SecureRandom();
        var ids = new IdSequence(random.nextLong());
        var node = new NodeId(ids.next(System.currentTimeMillis()));
        var bus = Bus.on(vertx);
        var pulse = new Pulse();
        var host = new NodeHost(node, places.known(), bus, pulse);
        var joined = phase("joining", () -> join.join(database, node, coordination, host, bus));
        var membership = joined.membership();
        var clock = membership.clock();

        var traces = TraceParts.open(config.tracing(), node, clock, metrics, openParts);
        var parts = new Parts(
                traces,
                vertx,
                bus,
                database,
                membership,
                new Leadership(NodeJoin.connector(database), membership, () -> !host.isDraining()),
                () -> ids.next(clock.millis()),
                RandomGenerator.of("L64X128MixRandom"));
        handlers.ifPresent(jars -> answerCalls(parts, jars));
        var disks = NodeFolders.watched(config, startDirectory);
        disks.start(vertx);
        membership.trust().onlyWhile(disks::hasRoom);
        var executors = phase("starting workers and router", () -> startEngine(parts, pulse));
        host.watch(vertx, parts.workers);
        host.tellOfEndings(parts.endings);
        if (config.isCluster()) {
            host.watchPeers(vertx, membership::alive);
        }
        host.whenFenced().onSuccess(_ -> ended.tryComplete(EXIT_FENCED));
        console.say("tasks run under " + executors.tasksDirectory() + "; " + executors.isolation());
        startChores(parts, host, executors.runFolders());
        ClusterMeters.show(metrics, membership, parts.leadership, bus, host, config.workers());
        var watching = DatabaseMeters.show(metrics, vertx, database.connectOptions());
        opened("connection for metrics", STEP_LIMIT, () -> await(watching.close(), STEP_LIMIT));
        phase("opening the API", () -> listen(parts, joined.coordination(), host, disks, await(contract, STEP_LIMIT)));
        host.listensOn(places.elsewhere(address.getPort()));
        // The bus only makes others quicker to notice: what a node may do does not wait for it.
        beginWork(parts, joined.coordination(), host);
        handlers.ifPresent(jars -> withdrawBeforeWorkEnds(jars, host));
        phase("reaching the other nodes", () -> join.awaitPeers(joined));
        LOG.log(INFO, "node {0} is ready on {1}", membership.node(), address);
    }

    /** Before anything else, since what strangers wrote may be wrong; and closed when nothing else is open that could call them. */
    private Optional<HandlerJars> loadHandlers() {
        if (config.handlers().dir().isEmpty()) {
            return Optional.empty();
        }
        var folder = startDirectory.resolve(config.handlers().dir()).normalize();
        var jars = phase("loading handlers", () -> HandlerJars.load(folder, HandlerJars.START_LIMIT));
        opened("handlers", HandlerJars.STOP_LIMIT.plus(STEP_LIMIT), jars::close);
        console.say(jars.description());
        return Optional.of(jars);
    }

    private void answerCalls(Parts parts, HandlerJars jars) {
        jars.answer(parts.vertx, parts.bus, AttemptParts.callAccess(() -> address, parts.attempts.access.tokens()));
        var patience = config.workers().drainTimeout();
        opened("calls of handlers", patience.plus(STEP_LIMIT), () -> jars.endCalls(patience));
    }

    /** From here on the node takes part; stopping begins with its end, while the API still answers. */
    private void beginWork(Parts parts, Coordination coordination, NodeHost host) {
        coordination.takeWork();
        coordination.campaign(parts.leadership);
        host.begin();
        var limit =
                config.workers().drainTimeout().plus(config.tasks().killGrace()).plus(STEP_LIMIT);
        opened("work", limit, () -> drain(parts, coordination, host, limit));
        host.whenDrainAsked()
                .onSuccess(_ -> Thread.ofVirtual().name("drain").start(() -> drain(parts, coordination, host, limit)));
    }

    /** What the node is called for by others is to end with its own work. */
    private void withdrawBeforeWorkEnds(HandlerJars jars, NodeHost host) {
        opened("handlers for other nodes", STEP_LIMIT, jars::withdraw);
        host.whenDrainAsked().onSuccess(_ -> jars.withdraw());
    }

    /** Takes nothing more, gives up what others can do, and ends what is under way in good order. */
    private static void drain(Parts parts, Coordination coordination, NodeHost host, Duration limit) {
        var isFirst = host.beginDraining();
        // Before etcd is told, which may not answer: what has not begun is to go on elsewhere at once.
        var drained = parts.bus.request(Addresses.drainNode(parts.node), new DrainNode(), limit);
        if (isFirst) {
            coordination.takeNoMoreWork();
            coordination.resign();
        }
        await(drained, limit);
    }

    private <T> T phase(String name, Supplier<T> work) {
        if (console.isOver()) {
            throw new StartupException("told to stop while starting, before: " + name);
        }
        console.begin(name);
        var result = work.get();
        console.done();
        return result;
    }

    /** What the later phases share. */
    private final class Parts {

        private final TraceParts traces;
        private final Vertx vertx;
        private final Bus bus;
        private final NodeId node;
        private final List<WorkerId> workers;
        private final Pools pools;
        private final WorkRepository work;
        private final DagVersions versions;
        private final RunService runs;
        private final DagService dags;
        private final JobFiring firing;
        private final EventParts published;
        private final JobScheduler jobs;
        private final EventFeed events;
        private final TenantService tenants;
        private final RemoteParts remote;
        private final Endings endings;
        private final TaskQueue queue;
        private final DeadLetterService deadLetters;
        private final AttemptParts attempts;
        private final RandomGenerator random;
        private final Membership membership;
        private final Leadership leadership;

        private Parts(
                TraceParts traces,
                Vertx vertx,
                Bus bus,
                Database database,
                Membership membership,
                Leadership leadership,
                Supplier<UUID> ids,
                RandomGenerator random) {
            this.traces = traces;
            this.vertx = vertx;
            this.bus = bus;
            this.membership = membership;
            this.leadership = leadership;
            this.node = membership.node();
            this.random = random;
            this.workers = IntStream.rangeClosed(1, config.workers().size())
                    .mapToObj(number -> WorkerId.of(node, number))
                    .toList();
            this.pools = Pools.open(
                    vertx, database.connectOptions(), config.database().poolSize(), API_WAITING);
            opened("connections", STEP_LIMIT, () -> await(pools.close(), STEP_LIMIT));
            this.endings = traces.endings(vertx, pools);
            this.work = new WorkRepository(vertx, pools.hot(), traces.tracing, endings);
            this.versions = new DagVersions(vertx, pools.attempts(), MemoryBudget.dagVersions(HEAP));
            var logs = new LogRepository(vertx, pools.api());
            this.runs = RunParts.runs(vertx, pools, work, logs, versions, ids, bus);
            this.dags = new DagService(vertx, new DagRepository(vertx, pools.api()), ids);
            var late = metrics.timer(Metric.SCHEDULE_FIRE_DELAY);
            this.firing = new JobFiring(vertx, new JobRepository(vertx, pools.hot(), endings), ids, bus, late::record);
            var jobDags = new JobDags(vertx, new DagRepository(vertx, pools.api()), ids);
            var alerts =
                    LetterAlertParts.open(vertx, pools, config.deadLetters().webhook(), membership.clock(), metrics);
            this.published = new EventParts(vertx, pools, jobDags, ids, bus, alerts);
            this.jobs = new JobScheduler(
                    vertx,
                    new JobScheduler.Repositories(
                            new ScheduledJobRepository(vertx, pools.api()),
                            new JobListRepository(vertx, pools.api()),
                            new ExecutionRepository(vertx, pools.api()),
                            new SchedulerMetricsRepository(vertx, pools.api()),
                            new IdempotencyRepository(vertx, pools.api())),
                    new JobScheduler.Services(jobDags, runs, published.service()),
                    ids,
                    bus);
            this.tenants = new TenantService(new TenantRepository(vertx, pools.api()), bus);
            var stored = new EventRepository(vertx, pools.api());
            this.events = new EventFeed(vertx, stored, versions.by(pools.api())::version, MemoryBudget.events(HEAP));
            bus.listen(Addresses.HISTORY_GREW, _ -> events.signal());
            this.queue = QueueParts.queue(vertx, pools, logs, ids, membership.clock(), bus, config.queue());
            this.deadLetters = QueueParts.deadLetters(vertx, pools, ids, bus, config.deadLetters());
            this.attempts = new AttemptParts(vertx, pools, versions, HEAP);
            this.remote = new RemoteParts(
                    vertx,
                    pools.api(),
                    work,
                    versions::version,
                    attempts.gifts,
                    ids,
                    membership.clock(),
                    random,
                    bus,
                    traces,
                    endings,
                    config.tasks().logLimit());
        }
    }

    private Executors startEngine(Parts parts, Pulse pulse) {
        var environment =
                AttemptParts.environment(() -> address, startDirectory, config, parts.attempts.access.tokens());
        var executors = Executors.create(parts.vertx, config.tasks(), environment, parts.bus);
        opened("executors", STEP_LIMIT, () -> await(executors.close(), STEP_LIMIT));
        var workerSettings = new WorkerSettings(
                config.workers().concurrency(),
                config.workers().queueCapacity(),
                config.tasks().logLimit(),
                config.tasks().killGrace());
        for (var worker : parts.workers) {
            deploy(
                    parts.vertx,
                    "worker " + worker.workerNumber(),
                    STEP_LIMIT,
                    new WorkerVerticle(
                            worker,
                            workerSettings,
                            executors::of,
                            parts.attempts.inputs(),
                            parts.work::totalUsed,
                            parts.attempts.logs,
                            parts.membership.trust()::invites,
                            parts.bus));
        }
        var drain = config.workers().drainTimeout();
        deploy(
                parts.vertx,
                "router",
                drain.plus(config.tasks().killGrace()).plus(STEP_LIMIT),
                new RouterVerticle(
                        parts.node,
                        parts.workers,
                        RouterSettings.of(config),
                        parts.work,
                        parts.versions::version,
                        parts.bus,
                        parts.traces.meters(),
                        parts.random,
                        parts.membership.trust(),
                        pulse,
                        parts.membership::alive));
        return executors;
    }

    private void deploy(Vertx vertx, String name, Duration stopLimit, io.vertx.core.Deployable verticle) {
        var id = await(vertx.deployVerticle(verticle), STEP_LIMIT);
        opened(name, stopLimit, () -> await(vertx.undeploy(id), stopLimit));
    }

    private void startChores(Parts parts, NodeHost host, RunFolders folders) {
        var chores = new ArrayList<>(parts.published.chores(config.retention()));
        chores.addAll(NodeChores.of(
                parts.vertx,
                parts.pools.api(),
                parts.bus,
                parts.firing,
                parts.tenants,
                config.retention(),
                config.queue(),
                folders,
                parts.endings,
                parts.traces.meters()));
        chores.addAll(parts.remote.chores());
        chores.add(InvariantWatch.chore(parts.vertx, parts.pools, metrics, parts.leadership));
        deploy(parts.vertx, "dead letters", STEP_LIMIT, new DeadLetterVerticle(parts.deadLetters, parts.bus));
        var scheduler = new SchedulerVerticle(chores, parts.bus, parts.leadership::epoch, host.schedulerPulse());
        deploy(parts.vertx, "scheduler", STEP_LIMIT, scheduler);
        opened("letter alerts", STEP_LIMIT, parts.published.alerts()::close);
    }

    private Api listen(Parts parts, Coordination coordination, NodeHost host, DiskWatch disks, Contract contract) {
        var nodes = new ClusterRepository(parts.vertx, parts.pools.api(), Membership.LEASE);
        var services = new ApiServices(
                parts.dags,
                parts.runs,
                parts.jobs,
                parts.published.service(),
                parts.events,
                new WorkerService(parts.node, parts.workers, nodes, parts.bus),
                new LockService(new LockRepository(parts.vertx, parts.pools.api())),
                new QueueService(new QueueRepository(parts.vertx, parts.pools.api()), parts.bus),
                new ClusterService(nodes, NodeJoin.mode(config)),
                parts.tenants,
                parts.remote.workers,
                parts.remote.work,
                parts.attempts.access.tokens(),
                parts.published.webhooks(),
                parts.published.replay(),
                parts.queue,
                QueueParts.calls(parts.vertx, parts.pools, parts.bus, config.queue()),
                parts.deadLetters,
                QueueParts.audit(parts.vertx, parts.pools));
        var api = await(
                Api.start(
                                parts.vertx,
                                new Api.Setup(
                                        config.http(),
                                        contract,
                                        services.operations(),
                                        parts.tenants::find,
                                        new Api.About(ProgramVersion.text(), NodeJoin.mode(config)),
                                        new NodeHealth(
                                                        config,
                                                        new HealthRepository(parts.vertx, parts.pools.api()),
                                                        parts.membership,
                                                        host,
                                                        disks)
                                                .checks(
                                                        coordination,
                                                        parts.jobs::healthCheck,
                                                        parts.published.alerts()),
                                        metrics,
                                        parts.traces.tracing,
                                        Optional.of(parts.attempts.access),
                                        2))
                        .recover(refused -> Future.failedFuture(places.cannotListen(refused))),
                STEP_LIMIT);
        opened("API", STEP_LIMIT, () -> await(api.close(), STEP_LIMIT));
        metrics.gauge(Metric.REMOTE_POLLS, parts.remote.work::waiting);
        opened("polls of remote workers", STEP_LIMIT, parts.remote.work::close);
        address = places.here(api.port());
        return api;
    }
}
