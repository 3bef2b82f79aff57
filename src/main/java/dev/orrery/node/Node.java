package dev.orrery.node;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.api.Api;
import dev.orrery.api.ApiServices;
import dev.orrery.api.Contract;
import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.DrainNode;
import dev.orrery.bus.PeerAddresses.PeerAddress;
import dev.orrery.bus.PeerBus;
import dev.orrery.config.MemoryBudget;
import dev.orrery.config.OrreryConfig;
import dev.orrery.config.ProgramVersion;
import dev.orrery.coordination.Coordination;
import dev.orrery.coordination.EtcdCoordination;
import dev.orrery.coordination.Leadership;
import dev.orrery.coordination.LocalCoordination;
import dev.orrery.coordination.Member;
import dev.orrery.coordination.Membership;
import dev.orrery.coordination.Pulse;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import dev.orrery.domain.WorkerId;
import dev.orrery.engine.router.RouterSettings;
import dev.orrery.engine.router.RouterVerticle;
import dev.orrery.engine.scheduler.Chore;
import dev.orrery.engine.scheduler.Chore.Bite.OfEach;
import dev.orrery.engine.scheduler.Chore.Bite.OfLeader;
import dev.orrery.engine.scheduler.SchedulerVerticle;
import dev.orrery.engine.worker.TaskInputs;
import dev.orrery.engine.worker.WorkerSettings;
import dev.orrery.engine.worker.WorkerVerticle;
import dev.orrery.executor.ExecutorEnvironment;
import dev.orrery.executor.Executors;
import dev.orrery.executor.LogSink;
import dev.orrery.executor.RunFolderSweep;
import dev.orrery.executor.RunFolders;
import dev.orrery.service.ClusterService;
import dev.orrery.service.DagService;
import dev.orrery.service.EventFeed;
import dev.orrery.service.LockService;
import dev.orrery.service.RunService;
import dev.orrery.service.WorkerService;
import dev.orrery.store.Batcher;
import dev.orrery.store.ClusterRepository;
import dev.orrery.store.DagRepository;
import dev.orrery.store.DagRunRepository;
import dev.orrery.store.DagVersions;
import dev.orrery.store.Database;
import dev.orrery.store.EventRepository;
import dev.orrery.store.IdempotencyRepository;
import dev.orrery.store.LockRepository;
import dev.orrery.store.LogRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.store.Pools;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.TaskInstanceRepository;
import dev.orrery.store.WorkRepository;
import dev.orrery.telemetry.LogSetup;
import dev.orrery.telemetry.Metrics;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
    private static final Duration STEP_LIMIT = Duration.ofSeconds(30);
    private static final long HEAP = Runtime.getRuntime().maxMemory();
    private static final int API_WAITING = 1_000;

    /** The types of tasks that every node runs. */
    private static final List<String> CAPABILITIES = List.of("handler", "http", "python", "shell");

    private static final int CHORE_BITE = 10_000;

    private final OrreryConfig config;
    private final Path startDirectory;
    private final Console console;
    private final Promise<Integer> ended = Promise.promise();

    /** What is open, the latest first. */
    private final Deque<Step> open = new ArrayDeque<>();

    private volatile URI address;

    private record Step(String name, Duration limit, Runnable close) {}

    private Node(OrreryConfig config, Path startDirectory, Console console) {
        this.config = config;
        // Tasks that are claimed before the API listens are told where it will.
        this.address = listeningAt(config.http().port());
        this.startDirectory = startDirectory;
        this.console = console;
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
            throw e;
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
        Step step;
        while ((step = takeStep()) != null) {
            var current = step;
            var closing = Thread.ofVirtual().name("close " + current.name()).start(current.close());
            try {
                if (!closing.join(current.limit())) {
                    LOG.log(WARNING, "closing takes too long, going on: part={0}", current.name());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private synchronized @org.jspecify.annotations.Nullable Step takeStep() {
        return open.pollFirst();
    }

    private synchronized void opened(String name, Duration limit, Runnable close) {
        open.addFirst(new Step(name, limit, close));
    }

    private void open() {
        LogSetup.level(config.log().level().name());
        var memory = MemoryBudget.of(config, HEAP);
        memory.requireFit();
        LOG.log(INFO, memory.text());
        requireFreePort();
        var vertx = Vertx.vertx();
        opened("event loops", STEP_LIMIT, () -> await(vertx.close(), STEP_LIMIT));
        var coordination = coordination();
        // To read the contract takes most of a second of a fresh JVM, which is also what a database takes to start.
        var contract = Contract.load(vertx);
        opened("contract", STEP_LIMIT, () -> await(contract.otherwiseEmpty(), STEP_LIMIT));
        var database = phase("opening the database", () -> {
            var opened = Database.open(config.database(), config.node().dataDir());
            opened("database", STEP_LIMIT.plus(STEP_LIMIT), opened::close);
            return opened;
        });
        console.say(database.description());
        var random = new SecureRandom();
        var ids = new IdSequence(random.nextLong());
        var node = new NodeId(ids.next(System.currentTimeMillis()));
        var bus = Bus.on(vertx);
        var pulse = new Pulse();
        var host = new NodeHost(node, knownAddress(), bus, pulse);
        var joined = phase("joining", () -> join(database, node, await(coordination, STEP_LIMIT), host, bus));
        var membership = joined.membership();
        var clock = membership.clock();

        var parts = new Parts(
                vertx,
                bus,
                database,
                membership,
                new Leadership(connector(database), membership, () -> !host.isDraining()),
                () -> ids.next(clock.millis()),
                RandomGenerator.of("L64X128MixRandom"));
        var executors = phase("starting workers and router", () -> startEngine(parts, pulse));
        host.watch(vertx, parts.workers);
        host.whenFenced().onSuccess(_ -> ended.tryComplete(EXIT_FENCED));
        console.say("tasks run under " + executors.tasksDirectory() + "; " + executors.isolation());
        startChores(parts, executors.runFolders());
        ClusterMeters.show(parts.metrics, membership, parts.leadership, bus);
        phase("opening the API", () -> listen(parts, joined.coordination(), host, await(contract, STEP_LIMIT)));
        host.listensOn(httpAddress(address.getPort()));
        phase("reaching the other nodes", () -> await(joined.peers(), STEP_LIMIT.plus(STEP_LIMIT)));
        beginWork(parts, joined.coordination(), host);
        LOG.log(INFO, "node {0} is ready on {1}", membership.node(), address);
    }

    /** From here on the node takes part; stopping begins with its end, while the API still answers. */
    private void beginWork(Parts parts, Coordination coordination, NodeHost host) {
        coordination.takeWork();
        coordination.campaign(parts.leadership);
        var limit =
                config.workers().drainTimeout().plus(config.tasks().killGrace()).plus(STEP_LIMIT);
        opened("work", limit, () -> drain(parts, coordination, host, limit));
        host.whenDrainAsked()
                .onSuccess(_ -> Thread.ofVirtual().name("drain").start(() -> drain(parts, coordination, host, limit)));
    }

    /** Takes nothing more, gives up what others can do, and ends what is under way in good order. */
    private static void drain(Parts parts, Coordination coordination, NodeHost host, Duration limit) {
        if (host.beginDraining()) {
            coordination.takeNoMoreWork();
            coordination.resign();
        }
        await(parts.bus.request(Addresses.drainNode(parts.node), new DrainNode(), limit), limit);
    }

    private <T> T phase(String name, Supplier<T> work) {
        console.begin(name);
        var result = work.get();
        console.done();
        return result;
    }

    /** What the later phases share. */
    private final class Parts {

        private final Vertx vertx;
        private final Bus bus;
        private final NodeId node;
        private final List<WorkerId> workers;
        private final Pools pools;
        private final WorkRepository work;
        private final DagVersions versions;
        private final LogRepository logs;
        private final RunService runs;
        private final DagService dags;
        private final EventFeed events;
        private final Metrics metrics = new Metrics();
        private final RandomGenerator random;
        private final Membership membership;
        private final Leadership leadership;

        private Parts(
                Vertx vertx,
                Bus bus,
                Database database,
                Membership membership,
                Leadership leadership,
                Supplier<UUID> ids,
                RandomGenerator random) {
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
            opened("metrics", STEP_LIMIT, metrics::close);
            this.work = new WorkRepository(vertx, pools.hot());
            this.versions = new DagVersions(vertx, pools.api(), MemoryBudget.dagVersions(HEAP));
            this.logs = new LogRepository(vertx, pools.api());
            var creations = new Batcher<NewRun, NewRun.Result>(
                    "run submissions",
                    new Batcher.Limits(200, 4 << 20, 2, 10_000, MemoryBudget.submissions(HEAP)),
                    run -> 200
                            + run.params().map(params -> params.text().length()).orElse(0),
                    work::createRuns,
                    StoreFailures::isLasting);
            this.runs = new RunService(
                    new RunService.Repositories(
                            work,
                            new DagRunRepository(vertx, pools.api()),
                            new TaskInstanceRepository(vertx, pools.api()),
                            logs),
                    creations,
                    versions::version,
                    ids,
                    bus,
                    MemoryBudget.inputs(HEAP));
            this.dags = new DagService(vertx, new DagRepository(vertx, pools.api()), ids);
            this.events = new EventFeed(
                    vertx, new EventRepository(vertx, pools.api()), versions::version, MemoryBudget.events(HEAP));
            bus.listen(Addresses.HISTORY_GREW, _ -> events.signal());
        }
    }

    /** Begins to look for the coordination service, which takes as long as to open a database. */
    private Future<Coordination> coordination() {
        if (!config.isCluster()) {
            return Future.succeededFuture(new LocalCoordination());
        }
        var found = inBackground("etcd", () -> (Coordination) EtcdCoordination.connect(config.etcd()));
        opened("coordination", STEP_LIMIT, () -> found.onSuccess(Coordination::close));
        return found;
    }

    private static <T> Future<T> inBackground(String name, Supplier<T> work) {
        Promise<T> done = Promise.promise();
        Thread.ofVirtual().name(name).start(() -> {
            try {
                done.complete(work.get());
            } catch (RuntimeException e) {
                done.fail(e);
            }
        });
        return done.future();
    }

    /** {@code peers} completes when the other nodes can be told something. */
    private record Joined(Coordination coordination, Membership membership, Future<?> peers) {}

    private Joined join(Database database, NodeId id, Coordination coordination, NodeHost host, Bus bus) {
        var self = new Registration(
                id,
                name(),
                ProcessHandle.current().pid(),
                mode(),
                ProgramVersion.text(),
                coordination.place(),
                knownAddress(),
                CAPABILITIES,
                config.workers().size() * config.workers().concurrency());
        var memberPort = memberPort();
        coordination.requireDatabase(database.id());
        coordination.join(new Member(
                self.id(),
                self.name(),
                self.version(),
                self.httpAddress(),
                config.bus().reachableHost(),
                memberPort,
                CAPABILITIES));
        var peers = config.isCluster()
                ? openPeerBus(memberPort, database.id(), id, coordination, bus)
                : Future.succeededFuture();
        var membership = config.isCluster()
                ? Membership.joinCluster(connector(database), self, coordination, host)
                : Membership.joinAlone(
                        connector(database), self, config.database().embedded(), coordination, host);
        opened("membership", STEP_LIMIT, membership::close);
        return new Joined(coordination, membership, peers);
    }

    private Future<PeerBus> openPeerBus(int memberPort, UUID cluster, NodeId id, Coordination coordination, Bus bus) {
        var opening = inBackground(
                "event bus",
                () -> PeerBus.open(config.bus(), memberPort, cluster, id, () -> addresses(coordination), bus));
        opened("event bus between nodes", STEP_LIMIT, () -> {
            // Also one that is still being opened.
            try {
                await(opening, STEP_LIMIT).close();
            } catch (RuntimeException e) {
                LOG.log(WARNING, "the event bus between nodes was not open: reason=" + e.getMessage());
            }
        });
        return opening;
    }

    private static List<PeerAddress> addresses(Coordination coordination) {
        return coordination.members().stream()
                .map(member -> new PeerAddress(member.busHost(), member.memberPort()))
                .toList();
    }

    /** Others must know it before it is listened on. */
    private int memberPort() {
        var given = config.bus().memberPort();
        return config.isCluster() && given == 0 ? freePort(config.bus().host()) : given;
    }

    private static int freePort(String host) {
        try (var probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress(host, 0));
            return probe.getLocalPort();
        } catch (IOException | IllegalArgumentException e) {
            throw new StartupException(
                    "the event bus cannot listen on '" + host + "' (" + e.getMessage()
                            + "): bus.host must be an address of this machine",
                    e);
        }
    }

    private String mode() {
        return config.isCluster() ? "cluster" : "standalone";
    }

    /** Where other machines find the API, as far as it is known before it listens. */
    private String knownAddress() {
        return config.http().port() == 0 ? "" : httpAddress(config.http().port());
    }

    private URI listeningAt(int port) {
        return URI.create("http://" + hostForUrl(config.http().host()) + ":" + port);
    }

    private String httpAddress(int port) {
        var host = config.http().host();
        var listensEverywhere = !host.equals(hostForUrl(host)) && !host.contains(":");
        return "http://" + (listensEverywhere ? config.bus().reachableHost() : hostForUrl(host)) + ":" + port;
    }

    private static Membership.Connector connector(Database database) {
        return answerLimit -> connect(database, answerLimit);
    }

    private static java.sql.Connection connect(Database database, Duration answerLimit) throws SQLException {
        var properties = new Properties();
        properties.setProperty("user", database.user());
        properties.setProperty("password", database.password());
        properties.setProperty("connectTimeout", Long.toString(Math.clamp(answerLimit.toSeconds(), 1, 5)));
        properties.setProperty("socketTimeout", Long.toString(Math.max(1, answerLimit.toSeconds())));
        properties.setProperty("currentSchema", "orrery");
        properties.setProperty("ApplicationName", "orrery-beat");
        return DriverManager.getConnection(database.jdbcUrl(), properties);
    }

    private String name() {
        if (!config.node().name().isEmpty()) {
            return config.node().name();
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException _) {
            return "localhost";
        }
    }

    private Executors startEngine(Parts parts, Pulse pulse) {
        var environment = new ExecutorEnvironment(
                () -> address + Contract.BASE_PATH,
                startDirectory,
                config.node().dataDir());
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
                            inputs(parts.runs),
                            logSink(parts.logs),
                            parts.membership.trust()::holds,
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
                        new RouterSettings(
                                config.router().poll(),
                                config.router().leadTime(),
                                config.router().batchSize(),
                                config.workers().concurrency(),
                                config.workers().queueCapacity(),
                                config.workers().queues(),
                                drain),
                        parts.work,
                        parts.versions::version,
                        parts.bus,
                        new EngineMeters(parts.metrics),
                        parts.random,
                        parts.membership.trust(),
                        pulse,
                        parts.membership::alive));
        return executors;
    }

    private static TaskInputs inputs(RunService runs) {
        return assignment -> runs.gifts(assignment)
                .map(gifts -> new TaskInputs.Inputs(gifts.params(), gifts.outputs(), gifts.letGo()));
    }

    private static LogSink logSink(LogRepository logs) {
        var chunks = new Batcher<LogRepository.Chunk, Boolean>(
                "log chunks",
                new Batcher.Limits(100, 1 << 20, 2, 10_000, MemoryBudget.logChunks(HEAP)),
                chunk -> chunk.content().length(),
                batch -> logs.append(batch).map(_ -> Collections.nCopies(batch.size(), true)),
                StoreFailures::isLasting);
        return (task, attempt, offset, bytes) -> chunks.add(new LogRepository.Chunk(task, attempt, offset, bytes))
                .mapEmpty();
    }

    private void deploy(Vertx vertx, String name, Duration stopLimit, io.vertx.core.Deployable verticle) {
        var id = await(vertx.deployVerticle(verticle), STEP_LIMIT);
        opened(name, stopLimit, () -> await(vertx.undeploy(id), stopLimit));
    }

    private void startChores(Parts parts, RunFolders folders) {
        var keys = new IdempotencyRepository(parts.vertx, parts.pools.api());
        var dags = new DagRepository(parts.vertx, parts.pools.api());
        var runs = new DagRunRepository(parts.vertx, parts.pools.api());
        var chores = List.of(
                new Chore("hidden DAGs", Duration.ofSeconds(2), new OfLeader(_ -> dags.purgeHidden(CHORE_BITE))),
                new Chore(
                        "old idempotency keys",
                        Duration.ofMinutes(1),
                        new OfLeader(epoch -> keys.purgeOld(CHORE_BITE, epoch).map(count -> count == CHORE_BITE))),
                new Chore(
                        "folders of deleted runs",
                        Duration.ofMinutes(1),
                        new OfEach(new RunFolderSweep(parts.vertx, folders, runs::existing, CHORE_BITE)::bite)));
        deploy(parts.vertx, "scheduler", STEP_LIMIT, new SchedulerVerticle(chores, parts.leadership::epoch));
    }

    private Api listen(Parts parts, Coordination coordination, NodeHost host, Contract contract) {
        var nodes = new ClusterRepository(parts.vertx, parts.pools.api(), Membership.LEASE);
        var services = new ApiServices(
                parts.dags,
                parts.runs,
                parts.events,
                new WorkerService(parts.node, parts.workers, nodes, parts.bus),
                new LockService(new LockRepository(parts.vertx, parts.pools.api())),
                new ClusterService(nodes, mode()));
        var api = await(
                Api.start(
                                parts.vertx,
                                new Api.Setup(
                                        config.http(),
                                        contract,
                                        services.operations(),
                                        new Api.About(ProgramVersion.text(), mode()),
                                        NodeHealth.checks(
                                                parts.pools, parts.membership, coordination, config.isCluster(), host),
                                        parts.metrics,
                                        2))
                        .recover(refused -> Future.failedFuture(cannotListen(refused))),
                STEP_LIMIT);
        opened("API", STEP_LIMIT, () -> await(api.close(), STEP_LIMIT));
        address = listeningAt(api.port());
        return api;
    }

    /** Told before a database is created or opened for nothing; who takes the port later is met by {@link #listen}. */
    private void requireFreePort() {
        var http = config.http();
        if (http.port() == 0) {
            return;
        }
        try (var probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress(http.host(), http.port()));
        } catch (BindException taken) {
            throw placeTaken(taken);
        } catch (IOException | IllegalArgumentException _) {
            // To listen will fail too, and tells why.
        }
    }

    private Throwable cannotListen(Throwable refused) {
        return refused instanceof IOException e ? placeTaken(e) : refused;
    }

    private StartupException placeTaken(IOException refused) {
        var place = config.http().host() + ":" + config.http().port();
        return new StartupException(
                "cannot listen on " + place + " (" + refused.getMessage()
                        + "): stop what listens there, or choose another place with --http-port or --http-host",
                refused);
    }

    /** What listens on every address is reached by loopback. */
    private static String hostForUrl(String host) {
        return switch (host) {
            case "0.0.0.0", "::", "[::]" -> "127.0.0.1";
            default -> host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
        };
    }

    private static <T> T await(Future<T> future, Duration limit) {
        try {
            return future.await(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new StartupException("no answer within " + limit.toSeconds() + " s", e);
        }
    }
}
