package dev.orrery.node;

import dev.orrery.api.Health;
import dev.orrery.api.HealthCheck;
import dev.orrery.api.HealthChecks;
import dev.orrery.config.OrreryConfig;
import dev.orrery.coordination.Coordination;
import dev.orrery.coordination.Membership;
import dev.orrery.coordination.Pulse;
import dev.orrery.domain.WorkerId;
import dev.orrery.service.HealthStatus;
import dev.orrery.store.HealthRepository;
import dev.orrery.store.HealthRepository.LeftReady;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What a node looks at when it is asked how it is. Parts prove by what they bring forward that they work, and by beats on
 * their own event loops that they live. What is wrong is told with what helps.
 *
 * <p>A node is down where it can do no work at all. What one task or one queue suffers from is degraded at most: else a
 * single task that nobody can claim would take every node of a cluster out of service.
 */
final class NodeHealth {

    /** Two heartbeats were missed by then, and the node is still trusted. */
    private static final Duration HEARTBEAT_MAX = Duration.ofSeconds(3);

    /** The time in which the node's registration there would run out. */
    private static final Duration ETCD_SILENCE_MAX = Membership.LEASE;

    /** By then whoever is asked each second has not answered several times. */
    private static final Duration SILENCE_MAX = Duration.ofSeconds(5);

    /** Its server was started again by then, had it only been that. */
    private static final Duration ALERTS_FAILING_MAX = Duration.ofMinutes(5);

    private final OrreryConfig config;
    private final HealthRepository database;
    private final Membership membership;
    private final NodeHost host;
    private final DiskWatch disks;

    NodeHealth(OrreryConfig config, HealthRepository database, Membership membership, NodeHost host, DiskWatch disks) {
        this.config = config;
        this.database = database;
        this.membership = membership;
        this.host = host;
        this.disks = disks;
    }

    HealthChecks checks(Coordination coordination, Supplier<Future<HealthStatus>> jobs, LetterAlertParts alerts) {
        var parts = new ArrayList<HealthCheck>();
        parts.add(new HealthCheck("database", true, () -> database(database::ping, membership::sinceLastBeat)));
        parts.add(heartbeat(membership::sinceLastBeat));
        if (config.isCluster()) {
            parts.add(etcd(coordination::silence));
        }
        parts.add(new HealthCheck(
                "bus",
                true,
                () -> host.loopBack()
                        .map(_ -> host.peerComplaint().map(Health::degraded).orElseGet(Health::up))
                        .otherwise(error -> Health.down("the node's bus does not carry messages (" + error.getMessage()
                                + "): nothing is handed from one part to another; start the node again"))));
        parts.add(HealthCheck.known("work", this::work));
        parts.add(new HealthCheck(
                "router",
                true,
                () -> router(
                        host.routerPulse(),
                        () -> database.leftReady(config.workers().queues()),
                        config.health().stuckAfter())));
        parts.add(HealthCheck.known(
                "workers", () -> workers(host.workerPulses(), config.health().stuckAfter())));
        parts.add(new HealthCheck("scheduler", false, () -> scheduler(host.schedulerPulse(), jobs)));
        parts.add(HealthCheck.known("disk", disks::health));
        if (alerts.areOn()) {
            parts.add(new HealthCheck(
                    "letter-alerts", false, () -> Future.succeededFuture(letterAlerts(alerts.failingFor()))));
        }
        return new HealthChecks(
                parts,
                List.of(HealthCheck.known("loops", this::loops)),
                () -> Instant.ofEpochMilli(membership.clock().millis()),
                // Where the truth lies on another machine, what others can run is welcome.
                config.database().embedded() ? disks::refusal : Optional::empty);
    }

    private Health loops() {
        var loops = new LinkedHashMap<String, Pulse>();
        loops.put("router", host.routerPulse());
        loops.put("scheduler", host.schedulerPulse());
        host.workerPulses().forEach((worker, pulse) -> loops.put("worker " + worker.workerNumber(), pulse));
        return loops(loops, config.health().deadAfter());
    }

    /** Whether each part still gets its turn: what blocks its event loop never ends by itself, after so long. */
    static Health loops(Map<String, Pulse> loops, Duration deadAfter) {
        var silent = longest(loops.values(), Pulse::silence);
        return loops.entrySet().stream()
                .filter(loop -> loop.getValue().silence().compareTo(deadAfter) > 0)
                .findFirst()
                .map(loop -> Health.down("the event loop of the " + loop.getKey() + " has been blocked for "
                        + loop.getValue().silence().toSeconds()
                        + " s: start the node again; the log names the thread"))
                .orElseGet(() -> Health.up(silent))
                .since(silent);
    }

    private Health work() {
        if (host.isDraining()) {
            return Health.down("the node drains and takes no more work");
        }
        return host.hasBegun() ? Health.up() : Health.down("the node is still starting");
    }

    /** Where the heartbeat arrives, which has a connection of its own, the database is there and the others are taken. */
    static Future<Health> database(Supplier<Future<Void>> ping, Supplier<Duration> sinceBeat) {
        return ping.get()
                .timeout(1_500, java.util.concurrent.TimeUnit.MILLISECONDS)
                .map(_ -> Health.up())
                .otherwise(error -> {
                    var age = sinceBeat.get();
                    var isThere = age.compareTo(HEARTBEAT_MAX) <= 0;
                    return (isThere
                                    ? Health.degraded(
                                            "the database answers the heartbeat, but no connection of the API was free in"
                                                    + " time: see what holds them (pg_stat_activity), or raise database.pool-size")
                                    : Health.down(
                                            "the database does not answer (" + error.getMessage()
                                                    + "): see whether it runs and is reached; the node goes on by itself when it answers"))
                            .since(age);
                });
    }

    static HealthCheck heartbeat(Supplier<Duration> age) {
        return HealthCheck.known(
                "heartbeat",
                () -> within(
                        age.get(),
                        HEARTBEAT_MAX,
                        Health::down,
                        "the last heartbeat reached the database %d s ago: the node takes no work until one does"));
    }

    static HealthCheck etcd(Supplier<Duration> silence) {
        return HealthCheck.known(
                "etcd",
                () -> within(
                        silence.get(),
                        ETCD_SILENCE_MAX,
                        Health::degraded,
                        "etcd has not answered for %d s: tasks go on, but this node cannot lead; where none reaches it, no"
                                + " schedule starts a run and no node can join"));
    }

    /** {@code leftReady}: asked only where nothing was claimed for long though there was room. */
    static Future<Health> router(Pulse router, Supplier<Future<Optional<LeftReady>>> leftReady, Duration stuckAfter) {
        var silence = router.silence();
        if (silence.compareTo(stuckAfter) > 0) {
            return Future.succeededFuture(Health.down("the router has said nothing for " + silence.toSeconds()
                            + " s: its event loop is blocked; the log names the thread")
                    .since(silence));
        }
        var stuck = router.exchanges().stuck();
        if (stuck.compareTo(stuckAfter) > 0) {
            return Future.succeededFuture(Health.down("for " + stuck.toSeconds()
                            + " s nothing could be claimed or committed: the database refuses or does not answer, the log"
                            + " says why; what has ended is kept and told again")
                    .since(stuck));
        }
        var unclaimed = router.claims().stuck();
        if (unclaimed.compareTo(stuckAfter) <= 0) {
            return Future.succeededFuture(Health.up(silence));
        }
        return leftReady
                .get()
                .map(left -> left.filter(task -> task.readyFor().compareTo(stuckAfter) > 0)
                        .map(task -> Health.degraded("the router has room and has claimed nothing for "
                                + unclaimed.toSeconds() + " s, but task " + task.id() + " in the queue "
                                + task.queue() + " has been ready for "
                                + task.readyFor().toSeconds() + " s: 'orrery task explain " + task.id()
                                + "' tells what keeps it, 'orrery doctor' whether the database is in order"))
                        .orElseGet(Health::up)
                        .since(silence));
    }

    static Health workers(Map<WorkerId, Pulse> workers, Duration stuckAfter) {
        var silence = longest(workers.values(), Pulse::silence);
        var silent = workers.values().stream()
                .filter(pulse -> pulse.silence().compareTo(SILENCE_MAX) > 0)
                .count();
        if (silent > 0) {
            var words = silent + " of " + workers.size() + " workers have not answered for " + silence.toSeconds()
                    + " s: what they run goes on, but begins and ends late; the log names what blocks them";
            return (silent == workers.size() ? Health.down(words) : Health.degraded(words)).since(silence);
        }
        var stuck = longest(workers.values(), pulse -> pulse.claims().stuck());
        if (stuck.compareTo(stuckAfter) > 0) {
            return Health.degraded("tasks wait in a worker's queue for " + stuck.toSeconds()
                            + " s, and it begins none: see the checks heartbeat and disk, which hold it back")
                    .since(silence);
        }
        return Health.up(silence);
    }

    static Future<Health> scheduler(Pulse pulse, Supplier<Future<HealthStatus>> jobs) {
        var silence = pulse.silence();
        if (silence.compareTo(SILENCE_MAX) > 0) {
            return Future.succeededFuture(Health.degraded("the scheduler has said nothing for " + silence.toSeconds()
                            + " s: its event loop is blocked, and if this node leads no schedule fires; the log names the"
                            + " thread")
                    .since(silence));
        }
        return jobs.get()
                .map(status -> status.complaint()
                        .map(Health::degraded)
                        .orElseGet(Health::up)
                        .since(silence));
    }

    static Health letterAlerts(Duration failing) {
        return within(
                failing,
                ALERTS_FAILING_MAX,
                Health::degraded,
                "the webhook that is told of dead letters has taken nothing for %d s: the log says why; what it was not told"
                        + " is kept, and told when it answers");
    }

    private static Duration longest(Collection<Pulse> pulses, Function<Pulse, Duration> time) {
        return pulses.stream().map(time).max(Comparator.naturalOrder()).orElse(Duration.ZERO);
    }

    private static Health within(Duration age, Duration most, Function<String, Health> otherwise, String complaint) {
        return age.compareTo(most) <= 0
                ? Health.up(age)
                : otherwise.apply(complaint.formatted(age.toSeconds())).since(age);
    }
}
