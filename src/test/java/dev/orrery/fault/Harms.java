package dev.orrery.fault;

import dev.orrery.fault.Harm.Measure;
import dev.orrery.testing.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/** Every harm of the suite. */
final class Harms {

    private static final Duration LEASE = Duration.ofSeconds(5);
    private static final Duration FAST = Duration.ofSeconds(10);
    private static final Duration DATABASE_BACK = Duration.ofSeconds(5);

    /** Longer than a lease and its margin: what is cut off so long loses its work. */
    private static final Duration CUT = Duration.ofSeconds(12);

    /** Debian's libfaketime, for processes of many threads. */
    private static final String FAKE_TIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

    private static final int SLOW_STARTS = 3;

    private Harms() {}

    static final List<Harm> ALL = List.of(
            new Harm("nothing", "the load alone", Measure.PAUSE, FAST, Harms::doNothing),
            new Harm("worker-killed", "kill -9 of a node", Measure.WORK_RUNS_AGAIN, FAST, Harms::killWorker),
            new Harm("leader-killed", "kill -9 of the leader", Measure.ANOTHER_LEADS, FAST, Harms::killLeader),
            new Harm(
                    "worker-frozen",
                    "SIGSTOP for three leases",
                    Measure.WORK_RUNS_AGAIN,
                    FAST,
                    s -> freeze(s, s.worker())),
            new Harm(
                    "leader-frozen",
                    "the same for the leader",
                    Measure.ANOTHER_LEADS,
                    FAST,
                    s -> freeze(s, s.leader())),
            new Harm(
                    "cut-from-database",
                    "a node without PostgreSQL",
                    Measure.WORK_RUNS_AGAIN,
                    FAST,
                    s -> cutOff(s, node -> List.of(node.database()))),
            new Harm("cut-from-etcd", "a node without etcd", Measure.PAUSE, FAST, s -> cutOff(s, ClusterNode::etcd)),
            new Harm(
                    "cut-from-peers",
                    "a node without its peers",
                    Measure.PAUSE,
                    FAST,
                    s -> cutOff(s, s.cluster()::peerLinks)),
            new Harm("cut-from-all", "a node without anything", Measure.WORK_RUNS_AGAIN, FAST, Harms::cutFromAll),
            new Harm(
                    "late-commits",
                    "what a node sent arrives when it was replaced",
                    Measure.WORK_RUNS_AGAIN,
                    FAST,
                    Harms::deliverLate),
            new Harm("slow-links", "50 ms on every link of a node", Measure.PAUSE, FAST, Harms::slowDown),
            new Harm(
                    "lost-replies", "cut after the request, before the reply", Measure.PAUSE, FAST, Harms::loseReplies),
            new Harm("links-reset", "every link to PostgreSQL reset at once", Measure.PAUSE, FAST, Harms::resetLinks),
            new Harm(
                    "database-restarted", "pg_ctl restart", Measure.WORK_BEGINS, DATABASE_BACK, Harms::restartDatabase),
            new Harm(
                    "database-killed",
                    "pg_ctl stop -m immediate, 8 s without",
                    Measure.WORK_BEGINS,
                    DATABASE_BACK,
                    Harms::crashDatabase),
            new Harm("etcd-member-killed", "kill -9 of one member", Measure.PAUSE, FAST, s -> loseMembers(s, 1)),
            new Harm("etcd-quorum-lost", "kill -9 of two members", Measure.PAUSE, FAST, s -> loseMembers(s, 2)),
            new Harm("etcd-data-lost", "etcd comes back empty", Measure.PAUSE, FAST, Harms::loseEtcdData),
            new Harm("bus-dead", "no node hears another one", Measure.PAUSE, FAST, Harms::killBus),
            new Harm(
                    "rolling-restart",
                    "SIGTERM and start of each node in turn",
                    Measure.PAUSE,
                    FAST,
                    Harms::restartAll),
            new Harm("clock-off", "the clock of a node jumps by an hour", Measure.PAUSE, FAST, Harms::jumpClock));

    static Optional<Harm> named(String name) {
        return ALL.stream().filter(harm -> harm.name().equals(name)).findFirst();
    }

    private static void doNothing(Scene scene) {
        scene.begins();
        scene.hold(LEASE);
        scene.heals();
    }

    private static void killWorker(Scene scene) {
        killAndStart(scene, scene.worker());
    }

    private static void killLeader(Scene scene) {
        killAndStart(scene, scene.leader());
    }

    private static void killAndStart(Scene scene, ClusterNode node) {
        scene.begins();
        node.kill();
        scene.hold(CUT);
        node.launch();
        node.awaitReady();
        scene.heals();
    }

    private static void freeze(Scene scene, ClusterNode node) {
        var time = LEASE.multipliedBy(3);
        scene.begins();
        // The processes of its tasks are not frozen. Woken, it must notice and end them within a lease.
        scene.mayOutlive(node, time.plus(LEASE), "frozen");
        node.freeze();
        scene.hold(time);
        node.thaw();
        scene.revive(node);
        scene.heals();
    }

    private static void cutOff(Scene scene, Function<ClusterNode, List<Proxy>> links) {
        var node = scene.worker();
        breakAndHeal(scene, node, links.apply(node), Proxy::blackHole);
    }

    private static void cutFromAll(Scene scene) {
        var node = scene.worker();
        breakAndHeal(scene, node, allLinks(scene, node), Proxy::blackHole);
    }

    private static List<Proxy> allLinks(Scene scene, ClusterNode node) {
        var links = new java.util.ArrayList<>(scene.cluster().peerLinks(node));
        links.addAll(node.etcd());
        links.add(node.database());
        return links;
    }

    private static void breakAndHeal(Scene scene, ClusterNode node, List<Proxy> links, Consumer<Proxy> harm) {
        scene.begins();
        links.forEach(harm);
        scene.hold(CUT);
        links.forEach(Proxy::pass);
        scene.revive(node);
        scene.heals();
    }

    /** What was on its way to PostgreSQL when the line fell silent comes out of it while others do the same work. */
    private static void deliverLate(Scene scene) {
        var node = scene.worker();
        scene.begins();
        node.database().blackHole();
        scene.awaitReplacement(node);
        scene.hold(Duration.ofMillis(500));
        node.database().pass();
        scene.revive(node);
        scene.heals();
    }

    private static void slowDown(Scene scene) {
        var node = scene.worker();
        breakAndHeal(scene, node, allLinks(scene, node), link -> link.delay(Duration.ofMillis(50)));
    }

    private static void loseReplies(Scene scene) {
        scene.begins();
        for (var n = 0; n < 6; n++) {
            scene.cluster().nodes().forEach(node -> node.database().cutNextAnswers());
            scene.hold(Duration.ofMillis(1500));
        }
        scene.cluster().nodes().forEach(scene::revive);
        scene.heals();
    }

    private static void resetLinks(Scene scene) {
        scene.begins();
        scene.cluster().nodes().forEach(node -> node.database().reset());
        scene.hold(Duration.ofSeconds(1));
        scene.cluster().nodes().forEach(node -> node.database().pass());
        scene.cluster().nodes().forEach(scene::revive);
        scene.heals();
    }

    private static void restartDatabase(Scene scene) {
        scene.begins();
        scene.cluster().database().restart();
        scene.heals();
        scene.cluster().nodes().forEach(scene::revive);
    }

    private static void crashDatabase(Scene scene) {
        scene.begins();
        scene.cluster().database().crash();
        scene.hold(Duration.ofSeconds(8));
        scene.cluster().database().start();
        scene.heals();
        scene.cluster().nodes().forEach(scene::revive);
    }

    private static void loseMembers(Scene scene, int count) {
        var etcd = scene.cluster().etcd();
        scene.begins();
        etcd.members().stream().limit(count).forEach(etcd::kill);
        scene.hold(CUT);
        etcd.startAgain();
        scene.cluster().nodes().forEach(scene::revive);
        scene.heals();
    }

    private static void loseEtcdData(Scene scene) {
        scene.begins();
        scene.cluster().etcd().loseAllData();
        scene.hold(CUT);
        scene.cluster().nodes().forEach(scene::revive);
        scene.heals();
    }

    private static void killBus(Scene scene) {
        var cluster = scene.cluster();
        scene.begins();
        cluster.nodes().forEach(node -> cluster.peerLinks(node).forEach(Proxy::reset));
        scene.hold(CUT);
        cluster.nodes().forEach(node -> cluster.peerLinks(node).forEach(Proxy::pass));
        cluster.nodes().forEach(scene::revive);
        scene.heals();
    }

    private static void restartAll(Scene scene) {
        scene.begins();
        for (var node : scene.cluster().nodes()) {
            var code = node.stop();
            if (code != 0) {
                throw new IllegalStateException(node.name() + " ended with exit code " + code);
            }
            node.launch();
            node.awaitReady();
        }
        scene.heals();
    }

    /** Its wall clock jumps while it works; the time by which it waits goes on as ever. */
    private static void jumpClock(Scene scene) throws Exception {
        var node = scene.worker();
        var clock = scene.cluster().folder().resolve("clock-of-" + node.name());
        Files.writeString(clock, "+0\n");
        node.stop();
        launchUnder(clock, node);
        scene.begins();
        Files.writeString(clock, "+3600\n");
        scene.hold(Duration.ofSeconds(6));
        Files.writeString(clock, "-3600\n");
        scene.hold(Duration.ofSeconds(6));
        Files.writeString(clock, "+0\n");
        scene.heals();
        node.stop();
        node.launch();
        node.awaitReady();
    }

    /**
     * The library stands in the way of each look at any clock, of which a starting JVM takes tens of thousands: on a busy
     * machine a node may take too long for its own limits, and is tried again.
     */
    private static void launchUnder(Path clock, ClusterNode node) {
        for (var tried = 1; ; tried++) {
            node.launch(Map.of(
                    "LD_PRELOAD",
                    FAKE_TIME,
                    "FAKETIME_TIMESTAMP_FILE",
                    clock.toString(),
                    "FAKETIME_CACHE_DURATION",
                    "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC",
                    "1",
                    "DONT_FAKE_MONOTONIC",
                    "1"));
            try {
                node.awaitReady();
                return;
            } catch (IllegalStateException ended) {
                if (tried == SLOW_STARTS) {
                    throw ended;
                }
            }
        }
    }
}
