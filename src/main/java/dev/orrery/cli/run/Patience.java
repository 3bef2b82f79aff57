package dev.orrery.cli.run;

import dev.orrery.cli.client.ApiClient;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** Waits between tries to reach a node again, longer each time, and gives up when nothing was heard for a minute. */
final class Patience {

    /** A node that restarts is back long before. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static final Duration WAIT_FIRST = Duration.ofMillis(200);
    private static final Duration WAIT_MAX = Duration.ofSeconds(5);

    private final Duration limit;
    private Duration wait = WAIT_FIRST;
    private long heardAtNanos = System.nanoTime();
    private boolean said;

    Patience() {
        this(LIMIT);
    }

    Patience(Duration limit) {
        this.limit = limit;
    }

    /** The node has given a sign of life. */
    void heard() {
        heardAtNanos = System.nanoTime();
        wait = WAIT_FIRST;
        said = false;
    }

    /** Tells the reason, once for each loss, and waits; throws the failure that says that nobody is there, if it is too long. */
    void pauseAfter(IOException lost, ApiClient client, Consumer<String> say) {
        if (System.nanoTime() - heardAtNanos > limit.toNanos()) {
            throw client.unreachable(lost);
        }
        var reason = lost.getMessage() == null ? lost.getClass().getSimpleName() : lost.getMessage();
        if (!said) {
            said = true;
            say.accept(reason);
        }
        try {
            Thread.sleep(wait.toMillis() + ThreadLocalRandom.current().nextLong(wait.toMillis() / 2));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw client.unreachable(lost);
        }
        var doubled = wait.multipliedBy(2);
        wait = doubled.compareTo(WAIT_MAX) > 0 ? WAIT_MAX : doubled;
    }
}
