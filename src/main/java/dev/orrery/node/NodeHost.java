package dev.orrery.node;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.Activity;
import dev.orrery.bus.BusMessage.AskStatus;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.MustStop;
import dev.orrery.bus.BusMessage.NodeFenced;
import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.bus.BusMessage.WorkerStatus;
import dev.orrery.coordination.Membership;
import dev.orrery.coordination.Pulse;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.WorkerId;
import dev.orrery.store.Endings;
import dev.orrery.store.NodeRepository.AliveNode;
import dev.orrery.store.NodeRepository.Condition;
import dev.orrery.store.NodeRepository.WorkerLoad;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.telemetry.BlockedThreads;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** What the membership needs to know of this node, and what it has to tell it: handed on to the engine by the bus. */
final class NodeHost implements Membership.Host {

    private static final System.Logger LOG = System.getLogger(NodeHost.class.getName());
    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
    private static final Duration WORKER_ANSWERS = Duration.ofMillis(500);
    private static final Duration PEERS_ANSWER = Duration.ofSeconds(3);

    private final NodeId node;
    private final Bus bus;
    private final Pulse router;
    private final Pulse scheduler = new Pulse();
    private final Map<WorkerId, Pulse> pulses = new ConcurrentHashMap<>();
    private final Promise<Void> fenced = Promise.promise();
    private final Promise<Endings> endings = Promise.promise();
    private final Promise<Void> drainAsked = Promise.promise();
    private final AtomicBoolean draining = new AtomicBoolean();
    private volatile boolean begun;
    private volatile String address;
    private volatile Optional<PeerReach> peers = Optional.empty();
    private volatile List<WorkerLoad> workers = List.of();

    /** {@code address}: of the API, as far as it is known before it listens. */
    NodeHost(NodeId node, String address, Bus bus, Pulse router) {
        this.node = node;
        this.address = address;
        this.bus = bus;
        this.router = router;
    }

    /** Asks the workers how they are from now on, and tells of threads that are blocked. */
    void watch(Vertx vertx, List<WorkerId> ids) {
        BlockedThreads.tell(vertx, _ -> "");
        ids.forEach(worker -> pulses.put(worker, new Pulse()));
        pulses.values().forEach(Pulse::beat);
        bus.answer(Addresses.loopBack(node), _ -> Future.succeededFuture(new Done()));
        vertx.setPeriodic(0, LOOK_EVERY.toMillis(), _ -> {
            var answers = ids.stream()
                    .map(worker -> bus.request(Addresses.status(worker), new AskStatus(), WORKER_ANSWERS)
                            .onSuccess(status -> seen(worker, status)))
                    .toList();
            // One that does not answer keeps the last word of it.
            Future.all(answers)
                    .onSuccess(all -> workers = all.<WorkerStatus>list().stream()
                            .map(NodeHost::load)
                            .toList());
        });
    }

    /** Asks the other nodes from now on, those by the last heartbeat, whether they answer. */
    void watchPeers(Vertx vertx, Supplier<List<AliveNode>> alive) {
        // Nodes of all releases know this question, and who is asked for nothing gives nothing.
        var reach = new PeerReach(
                node, alive, peer -> bus.request(Addresses.release(peer), new ReleaseWork(0, Set.of()), PEERS_ANSWER));
        peers = Optional.of(reach);
        vertx.setPeriodic(PeerReach.EVERY.toMillis(), _ -> reach.look());
    }

    /** What is wrong between this node and others; empty where nothing is known to be. */
    Optional<String> peerComplaint() {
        return peers.flatMap(PeerReach::complaint);
    }

    private void seen(WorkerId worker, WorkerStatus status) {
        var pulse = pulses.computeIfAbsent(worker, _ -> new Pulse());
        pulse.beat();
        var mayBegin = status.activity() != Activity.DRAINING;
        pulse.claims().waits(mayBegin && status.queueDepth() > 0 && status.runningTasks() == 0);
    }

    /** By which is seen how the workers are. */
    Map<WorkerId, Pulse> workerPulses() {
        return pulses;
    }

    /** By which is seen how the router is. */
    Pulse routerPulse() {
        return router;
    }

    /** By which is seen how the scheduler is. */
    Pulse schedulerPulse() {
        return scheduler;
    }

    /** Sends itself a message; succeeds when it is answered. */
    Future<Void> loopBack() {
        return bus.request(Addresses.loopBack(node), new AskStatus(), WORKER_ANSWERS)
                .mapEmpty();
    }

    private static WorkerLoad load(WorkerStatus status) {
        return new WorkerLoad(
                status.activity().name().toLowerCase(Locale.ROOT), status.runningTasks(), status.queueDepth());
    }

    /** From now on this is told of attempts that were lost with other nodes, and now of those before. */
    void tellOfEndings(Endings listener) {
        endings.tryComplete(listener);
    }

    void listensOn(String url) {
        address = url;
    }

    /** The node takes no more work; false where that was so before. */
    boolean beginDraining() {
        return draining.compareAndSet(false, true);
    }

    /** The node has its place among the others. */
    void begin() {
        begun = true;
    }

    boolean hasBegun() {
        return begun;
    }

    boolean isDraining() {
        return draining.get();
    }

    /** Completes when another node has taken over. */
    Future<Void> whenFenced() {
        return fenced.future();
    }

    /** Completes when someone asks the node to drain. */
    Future<Void> whenDrainAsked() {
        return drainAsked.future();
    }

    @Override
    public Condition condition() {
        return new Condition(address, 0, draining.get(), workers);
    }

    @Override
    public boolean isWorking() {
        return router.silence().compareTo(Membership.LEASE.dividedBy(2)) < 0;
    }

    @Override
    public void fenced() {
        LOG.log(ERROR, "another node took over, this one ends: node={0}", node);
        bus.send(Addresses.fenced(node), new NodeFenced());
        fenced.tryComplete();
    }

    @Override
    public void mustStopRunning() {
        bus.send(Addresses.mustStop(node), new MustStop());
    }

    @Override
    public void drainAsked() {
        if (drainAsked.tryComplete()) {
            LOG.log(INFO, "asked to drain: node={0}", node);
        }
    }

    @Override
    public void cancelsAsked() {
        bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked());
    }

    @Override
    public void tookBack(Set<String> queues, Collection<Held> claims) {
        endings.future().onSuccess(listener -> listener.takenBack(claims));
        bus.publish(Addresses.HISTORY_GREW, new HistoryGrew());
        bus.publish(Addresses.WORK_READY, new WorkReady(queues));
    }
}
