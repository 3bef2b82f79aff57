package dev.orrery.fault;

import java.time.Duration;

/** Load on a build with a mistake. */
final class BrokenRound {

    private static final int TRIES = 3;

    private BrokenRound() {}

    /** What the checker says; tried again a few times, since a mistake does not show in each round. */
    static Report play(FaultCluster cluster, BrokenBuild build, Duration endLimit) throws Exception {
        try (var connection = cluster.database().connect()) {
            build.apply(connection);
        }
        var harm = Harms.named(build.harm()).orElseThrow();
        try (var leaders = new LeaderWatch(cluster.database())) {
            for (var number = 1; ; number++) {
                var result = new Round(cluster, leaders, endLimit).play(harm, "-broken-" + number);
                if (build.isFoundIn(result.report()) || number == TRIES) {
                    return result.report();
                }
            }
        }
    }
}
