package dev.orrery.api;

import dev.orrery.service.LockService;
import io.vertx.core.Future;
import java.util.Map;

/** The operations tagged {@code Locks}. */
final class LockOperations {

    private final LockService locks;

    LockOperations(LockService locks) {
        this.locks = locks;
    }

    Map<String, Operation> byId() {
        return Map.of("listLocks", this::list);
    }

    private Future<Answer> list(ApiRequest request) {
        var limit = Math.toIntExact(request.number("limit"));
        return locks.list(request.tenant(), request.optionalText("cursor"), limit)
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, JsonShapes::lock)));
    }
}
