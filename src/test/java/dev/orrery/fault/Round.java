package dev.orrery.fault;

import dev.orrery.fault.History.Term;
import dev.orrery.testing.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** One harm under load, from before it to the end of all that was accepted, and its judgement. */
final class Round {

    private static final Duration BEFORE = Duration.ofSeconds(3);
    private static final Duration AFTER = Duration.ofSeconds(2);

    /** Within which all must have ended after the last harm is over. */
    static final Duration END_LIMIT = Duration.ofSeconds(60);

    private static final int LEAST_RUNS = 10;
    private static final int LEAST_EFFECTS = 100;

    private final FaultCluster cluster;
    private final LeaderWatch leaders;
    private final Duration endLimit;

    Round(FaultCluster cluster, LeaderWatch leaders, Duration endLimit) {
        this.cluster = cluster;
        this.leaders = leaders;
        this.endLimit = endLimit;
    }

    /**
     * What came of it.
     *
     * @param records the folder with what was judged, for a closer look
     */
    record Result(Report report, Measured measured, List<String> surprises, Path records) {

        boolean isGood() {
            return report.isGood() && surprises.isEmpty();
        }
    }

    Result play(Harm harm, String suffix) throws Exception {
        var effects = cluster.folder().resolve("effects" + suffix);
        var shapes = new Shapes(suffix, effects);
        var load = new Load(cluster.addresses());
        var began = Instant.now();
        var scene = new Scene(cluster);
        try {
            load.start(shapes);
            scene.hold(BEFORE);
            harm.deed().doTo(scene);
            scene.hold(AFTER);
            load.stop();
            awaitEnd(load);
        } finally {
            load.close();
            cluster.reconnect();
        }
        var history = history(shapes, load, scene, effects, leaders.since(began));
        var report = Checker.check(history);
        var surprises = new ArrayList<>(load.surprises());
        if (report.runs() < LEAST_RUNS || report.effects() < LEAST_EFFECTS) {
            surprises.add("too little to judge by: " + report.runs() + " runs, " + report.effects() + " effects");
        }
        return new Result(report, Measured.of(harm, scene, history), surprises, keep(suffix, history));
    }

    /** Those that do not end are the checker's business. */
    private void awaitEnd(Load load) {
        var deadline = System.nanoTime() + endLimit.toNanos();
        while (!load.hasEnded() && System.nanoTime() < deadline) {
            java.util.concurrent.locks.LockSupport.parkNanos(50_000_000);
        }
    }

    private History history(Shapes shapes, Load load, Scene scene, Path effects, List<Term> terms)
            throws SQLException, IOException {
        var left = leftOvers(load.hasEnded());
        try (var connection = cluster.database().connect()) {
            var records = new Records(connection, shapes.plans().keySet());
            var names = cluster.nodes().stream().collect(Collectors.toMap(ClusterNode::httpPort, ClusterNode::name));
            return new History(
                    shapes.plans(),
                    load.answers(),
                    load.seen(),
                    load.cancelAsked(),
                    records.runs(),
                    records.changes(),
                    records.unknownStarts(),
                    records.deadLetters(),
                    Records.effects(effects, names),
                    records.nodes(),
                    terms,
                    scene.outlivings(),
                    scene.healed(),
                    endLimit,
                    left);
        }
    }

    /** What is put away in the background has a moment for it. */
    private List<String> leftOvers(boolean hasEnded) {
        if (!hasEnded) {
            return List.of();
        }
        var left = new ArrayList<String>();
        try {
            Await.until("nothing is left over", Duration.ofSeconds(12), () -> {
                left.clear();
                left.addAll(LeftOvers.ofEndedWork(cluster));
                return left.isEmpty();
            });
        } catch (AssertionError _) {
            // They are told of by the checker.
        }
        return left;
    }

    /** The history as text, and the logs of the nodes as they are now. */
    private Path keep(String suffix, History history) throws IOException {
        var file = cluster.folder().resolve("history" + suffix + ".txt");
        try (var out = Files.newBufferedWriter(file)) {
            for (var part : List.of(
                    history.answers(),
                    history.seen(),
                    history.runs(),
                    history.changes(),
                    history.unknownStarts(),
                    history.effects(),
                    history.terms(),
                    history.nodes(),
                    history.outlivings(),
                    history.leftOvers())) {
                for (var line : part) {
                    out.write(line.toString());
                    out.newLine();
                }
            }
        }
        return file;
    }
}
