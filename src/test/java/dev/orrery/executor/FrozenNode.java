package dev.orrery.executor;

import dev.orrery.config.IsolationConfig;
import dev.orrery.config.IsolationConfig.Network;
import dev.orrery.executor.Isolation.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A process with a guard that makes an attempt, tells how it ended, and makes another. */
final class FrozenNode {

    private static final int USER = 45_872;

    private FrozenNode() {}

    /** Arguments: what holds an attempt together, the level, the folder, how long it may stand still, the command. */
    public static void main(String[] arguments) {
        var isolation = Levels.of(Level.valueOf(arguments[0]));
        var level = Integer.parseInt(arguments[1]);
        var demanded = new IsolationConfig(
                level,
                level == 0 ? "" : "" + USER,
                Network.NONE,
                List.of(),
                1L << 30,
                1L << 30,
                Duration.ofDays(1),
                60,
                128);
        var frozenAfter = Duration.ofMillis(Long.parseLong(arguments[3]));
        try (var bench = new Workbench(Path.of(arguments[2]), demanded, isolation, frozenAfter)) {
            var attempt = bench.start(Workbench.shell(arguments[4]));
            System.out.println("started");
            System.out.println(attempt.outcome());
            System.out.println(bench.run(Workbench.shell("true")));
        }
    }
}
