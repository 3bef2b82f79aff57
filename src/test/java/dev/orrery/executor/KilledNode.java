package dev.orrery.executor;

import dev.orrery.executor.Isolation.Level;
import java.nio.file.Path;
import java.time.Duration;

/** A process that starts one attempt and waits to be killed. */
final class KilledNode {

    private KilledNode() {}

    public static void main(String[] arguments) throws InterruptedException {
        var level = Levels.of(Level.valueOf(arguments[0]));
        var bench = new Workbench(Path.of(arguments[1]), Duration.ofSeconds(10), level);
        bench.start(Workbench.shell(arguments[2]));
        System.out.println("started");
        Thread.sleep(Duration.ofMinutes(5));
        bench.close();
    }
}
