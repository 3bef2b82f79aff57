package dev.orrery.service;

import dev.orrery.store.SingleTaskRepository;
import dev.orrery.store.SingleTaskRepository.Mark;
import io.vertx.core.Future;
import java.time.Duration;

/**
 * Deletes single tasks that ended long ago, in rounds over all that are old enough. Each look costs the same, however many there
 * are that have not ended; where these are very many, the next round comes later.
 */
public final class OldTasks {

    /** Submissions that name tasks wait while old ones are deleted. */
    private static final int BITE = 1_000;

    private static final int MANY = 50_000;
    private static final Duration REST = Duration.ofHours(1);

    private final SingleTaskRepository tasks;
    private final Duration age;
    private Mark mark = Mark.START;
    private int left;
    private long restsUntil = System.nanoTime();

    /** {@code age}: how long after their end tasks are kept. */
    public OldTasks(SingleTaskRepository tasks, Duration age) {
        this.tasks = tasks;
        this.age = age;
    }

    /** A bounded part of a round; true where there is more of it. */
    public Future<Boolean> purge(long epoch) {
        if (mark.equals(Mark.START) && System.nanoTime() - restsUntil < 0) {
            return Future.succeededFuture(false);
        }
        return tasks.purgeOld(age, BITE, mark, epoch).map(purged -> {
            left += purged.left();
            mark = purged.next().orElse(Mark.START);
            if (purged.next().isEmpty()) {
                restsUntil = System.nanoTime() + (left > MANY ? REST.toNanos() : 0);
                left = 0;
            }
            return purged.next().isPresent();
        });
    }
}
