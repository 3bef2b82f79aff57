package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.Begin;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.Report;
import dev.orrery.bus.BusMessage.StopReason;
import dev.orrery.coordination.Pulse;
import dev.orrery.coordination.Trust;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.store.NodeRepository.AliveNode;
import dev.orrery.store.WorkRepository;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Claims for this node's workers, gives each claim to the least loaded one, and commits what they report; the package
 * tells how, and which part does what. All parts live on this verticle's event loop alone. Stopping is draining.
 */
public final class RouterVerticle extends VerticleBase {

    private static final System.Logger LOG = System.getLogger(RouterVerticle.class.getName());

    /** Between two looks at what was there in vain, however often it is told of. */
    private static final Duration IN_VAIN_PAUSE = Duration.ofMillis(10);

    private final NodeId node;
    private final RouterSettings settings;
    private final WorkRepository work;
    private final Bus bus;
    private final RandomGenerator random;
    private final Pulse pulse;

    private final Memory memory;
    private final Intake intake;
    private final Pause pause;
    private final Stopper stopper;
    private final Reconciler reconciler;
    private final Assigner assigner;
    private final RetryAlarm retries;
    private final Generations generations;
    private final Exchanger exchanger;
    private final Drainer drainer;
    private final Sharing sharing;
    private boolean isLookingLater;
    private long answeredBefore;
    private long claimedBefore;
    private final OneAtATime queues = new OneAtATime(this::listQueues);

    /**
     * @param versions finds a DAG version by its row; at once where it is cached
     * @param trust whether the node may claim
     * @param pulse by which others see that the router lives
     * @param peers the nodes that work on the same database, as they were lately
     */
    public RouterVerticle(
            NodeId node,
            List<WorkerId> workers,
            RouterSettings settings,
            WorkRepository work,
            IntFunction<Future<PublishedDag>> versions,
            Bus bus,
            RouterMeters meters,
            RandomGenerator random,
            Trust trust,
            Pulse pulse,
            Supplier<List<AliveNode>> peers) {
        this.node = node;
        this.settings = settings;
        this.work = work;
        this.bus = bus;
        this.random = random;
        this.pulse = pulse;
        var loop = new EventLoop();
        var signals = new Signals(bus);
        memory = Memory.of(workers, settings, trust);
        var held = memory.held();
        intake = new Intake(versions, memory, meters, random);
        pause = new Pause(random, loop);
        stopper = new Stopper(node, work, held, bus);
        reconciler = new Reconciler(node, work, held, stopper, pause, signals, loop);
        assigner = new Assigner(versions, held, stopper, reconciler, pause, bus, loop);
        retries = new RetryAlarm(work, signals, settings.poll(), loop);
        generations = new Generations(work, memory.appetite(), signals, loop);
        var helpers = new Exchanger.Helpers(assigner, retries, reconciler, pause, generations);
        exchanger = new Exchanger(node, work, memory, helpers, signals, meters, loop);
        drainer = new Drainer(held, reconciler, bus, loop);
        sharing = new Sharing(node, memory, reconciler, peers, bus, settings.concurrency());
    }

    private final class EventLoop implements Loop {

        @Override
        public void later(Duration delay, Runnable action) {
            vertx.setTimer(Math.max(1, delay.toMillis()), _ -> action.run());
        }

        @Override
        public void turn() {
            RouterVerticle.this.turn();
        }
    }

    @Override
    public Future<?> start() {
        bus.answer(Addresses.report(node), this::reported);
        bus.answer(Addresses.begin(node), this::begins);
        bus.listen(Addresses.WORK_READY, _ -> toldOfWork());
        bus.listen(Addresses.RETRY_DUE, due -> retries.dueIn(Duration.ofMillis(due.inMillis())));
        bus.listen(Addresses.CANCELS_ASKED, _ -> stopper.look());
        bus.listen(Addresses.mustStop(node), _ -> stopRunning());
        bus.listen(Addresses.fenced(node), _ -> {
            takeNothingMore();
            stopRunning();
            drainer.stopAtOnce();
            turn();
        });
        bus.answer(Addresses.drainNode(node), _ -> drain().map(new Done()));
        bus.answer(Addresses.release(node), sharing::release);
        pulse.beat();
        vertx.setPeriodic(Pulse.EVERY.toMillis(), _ -> beat());
        return work.queues().onSuccess(this::offer).onSuccess(_ -> poll());
    }

    /** Tells those who watch that it lives, and whether it brings anything forward. */
    private void beat() {
        pulse.beat();
        if (exchanger.answered() != answeredBefore) {
            answeredBefore = exchanger.answered();
            pulse.exchanges().moved();
        }
        if (exchanger.claimed() != claimedBefore) {
            claimedBefore = exchanger.claimed();
            pulse.claims().moved();
        }
        // After a failure it waits for a while, and has still the same to do.
        pulse.exchanges()
                .waits(pause.isOn()
                        || reconciler.isUnderWay()
                        || reconciler.isDue()
                        || !exchanger.isIdle()
                        || !memory.reports().isEmpty());
        pulse.claims().waits(memory.appetite().isThere());
    }

    private Future<Done> reported(Report report) {
        intake.take(report);
        turn();
        return Future.succeededFuture(new Done());
    }

    private Future<Done> begins(Begin begin) {
        var committed = intake.take(begin);
        turn();
        return committed;
    }

    // Signals only make it look sooner: each of these would be done by the next poll anyway.

    private void poll() {
        var untilNext = settings.poll().toMillis() * random.nextDouble(0.8, 1.2);
        vertx.setTimer(Math.max(1, Math.round(untilNext)), _ -> poll());
        stopper.look();
        reconciler.poll();
        if (!drainer.isDraining()) {
            queues.ask();
            retries.look();
            sharing.look();
            generations.poll();
        }
        workIsReady();
    }

    private Future<?> listQueues() {
        return work.queues().onSuccess(this::offer).onFailure(error -> LOG.log(DEBUG, "cannot list queues", error));
    }

    private void offer(List<String> all) {
        if (memory.appetite().offer(all)) {
            workIsReady();
        }
    }

    private void toldOfWork() {
        if (!memory.appetite().isWokenInVain(System.nanoTime())) {
            workIsReady();
        } else if (!isLookingLater) {
            isLookingLater = true;
            vertx.setTimer(IN_VAIN_PAUSE.toMillis(), _ -> {
                isLookingLater = false;
                workIsReady();
            });
        }
    }

    private void workIsReady() {
        memory.appetite().wake();
        turn();
    }

    /** Does what is due, one thing after the other: nothing after a failure for a while, else compare, else exchange. */
    private void turn() {
        if (pause.isOn() && exchanger.isIdle() && memory.reports().isEmpty()) {
            drainer.settledAlone();
        }
        if (pause.isOn() || reconciler.isUnderWay()) {
            return;
        }
        if (reconciler.isDue()) {
            if (exchanger.isIdle()) {
                reconciler.compare();
            }
            return;
        }
        exchanger.sendWhatIsDue();
        if (exchanger.isIdle() && !reconciler.isDue() && memory.reports().isEmpty()) {
            drainer.settled();
        }
    }

    /**
     * Others may take what runs here: it ends at once, and where it is still this node's it is handed back. What has ended
     * is kept: its results count if the claims are still there.
     */
    private void stopRunning() {
        var claims = memory.held().unfinishedClaims();
        stopper.stop(claims, StopReason.CLAIM_LOST);
        claims.forEach(memory.held()::forget);
        reconciler.expectDifference();
        turn();
    }

    private Future<Void> drain() {
        takeNothingMore();
        var drained = drainer.drain(settings.drainTimeout());
        turn();
        return drained;
    }

    @Override
    public Future<?> stop() {
        return drain().onComplete(_ -> pulse.end());
    }

    private void takeNothingMore() {
        memory.appetite().lose();
        assigner.end();
        retries.end();
    }
}
