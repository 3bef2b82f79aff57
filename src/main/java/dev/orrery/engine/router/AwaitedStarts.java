package dev.orrery.engine.router;

import dev.orrery.bus.BusMessage.Done;
import dev.orrery.engine.router.ReportBuffer.Entry;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.HashMap;
import java.util.Map;

/** Who waits until a start is committed: at most one for each claim that the node holds. */
final class AwaitedStarts {

    private final Map<Held, Promise<Done>> waiting = new HashMap<>();

    Future<Done> await(Held claim) {
        return waiting.computeIfAbsent(claim, _ -> Promise.promise()).future();
    }

    /** The database has answered for this report: the start or the end of the attempt is there, or never will be. */
    void answered(Entry report) {
        var waits = waiting.remove(report.claim());
        if (waits != null) {
            waits.complete(new Done());
        }
    }
}
