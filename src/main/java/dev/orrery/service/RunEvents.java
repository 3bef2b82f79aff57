package dev.orrery.service;

import io.vertx.core.Future;
import java.util.List;

/**
 * The events of one run on their way to one reader, who pulls: what is slow is not told later than it asks, and nothing
 * piles up for it. Without a place to go on from, the first events tell the state of every task and of the run.
 */
public interface RunEvents extends AutoCloseable {

    /**
     * The events that follow, as soon as there are any, at most some hundreds. An empty list means that the run has ended
     * and all was told. One call at a time; it fails once closed.
     */
    Future<List<RunEvent>> next();

    /** Lets go of everything it holds; may be called at any time and again. */
    @Override
    void close();
}
