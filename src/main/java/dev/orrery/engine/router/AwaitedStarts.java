package dev.orrery.engine.router;

import dev.orrery.bus.BusMessage.Done;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.engine.router.ReportBuffer.Entry;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.HashMap;
import java.util.Map;

/** Who waits until a start is committed: at most one for each claim that the node holds. */
final class AwaitedStarts {

    private final Map<TaskInstanceId, Promise<Done>> waiting = new HashMap<>();

    Future<Done> await(TaskInstanceId id) {
        return waiting.computeIfAbsent(id, _ -> Promise.promise()).future();
    }

    /** The database has answered for this report: the start or the end of the attempt is there, or never will be. */
    void answered(Entry report) {
        var waits = waiting.remove(report.id());
        if (waits != null) {
            waits.complete(new Done());
        }
    }
}
