package dev.orrery.api;

import dev.orrery.service.WorkerService;
import io.vertx.core.Future;
import java.util.Map;

/** The operations tagged {@code Workers}. */
final class WorkerOperations {

    private final WorkerService workers;

    WorkerOperations(WorkerService workers) {
        this.workers = workers;
    }

    Map<String, Operation> byId() {
        return Map.of("listWorkers", this::list);
    }

    private Future<Answer> list(ApiRequest request) {
        return workers.list(request.tenant(), request.page())
                .map(list -> Answer.json(200, out -> JsonShapes.array(out, list, JsonShapes::worker)));
    }
}
