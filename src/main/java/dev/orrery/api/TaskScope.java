package dev.orrery.api;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.service.AskingTask;
import io.vertx.core.Future;
import java.util.List;
import java.util.Map;

/**
 * What the tokens of running tasks open: operations that are named here, about the task itself and what is below it. All else is
 * refused, so an operation that is new to the contract is closed to tasks.
 */
final class TaskScope {

    private static final String PARENT = "parentTaskId";

    /** What an operation is about. */
    private enum About {
        /** Tasks that do not exist yet, and will be its children. */
        NEW_ONES,
        CHILDREN,
        ITSELF_OR_BELOW,
        BELOW
    }

    private static final Map<String, About> OPEN = Map.ofEntries(
            Map.entry("submitTask", About.NEW_ONES),
            Map.entry("submitTasks", About.NEW_ONES),
            Map.entry("listSingleTasks", About.CHILDREN),
            Map.entry("getSingleTask", About.ITSELF_OR_BELOW),
            Map.entry("listTaskDependencies", About.ITSELF_OR_BELOW),
            Map.entry("explainTask", About.ITSELF_OR_BELOW),
            Map.entry("getTaskTree", About.ITSELF_OR_BELOW),
            Map.entry("readSingleTaskLog", About.ITSELF_OR_BELOW),
            Map.entry("countSubmittedWith", About.BELOW),
            Map.entry("cancelSingleTask", About.BELOW),
            Map.entry("retrySingleTask", About.BELOW));

    private TaskScope() {}

    /** Whether tasks may ask for this at all. */
    static boolean isOpen(String operationId) {
        return OPEN.containsKey(operationId);
    }

    /** The request of an open operation as it is carried out; fails with {@code OUT_OF_SCOPE} where it is about others. */
    static Future<ApiRequest> narrowed(String operationId, ApiRequest request, AskingTask asking) {
        return switch (OPEN.get(operationId)) {
            case NEW_ONES -> Future.succeededFuture(request);
            case CHILDREN -> {
                var narrowed = request.optionalText(PARENT).isPresent()
                        ? request
                        : request.with(PARENT, asking.task().toString());
                yield about(narrowed, narrowed.text(PARENT), asking, true);
            }
            case ITSELF_OR_BELOW -> about(request, request.text("id"), asking, true);
            case BELOW -> about(request, request.text("id"), asking, false);
            case null -> throw new IllegalArgumentException("no task may ask for " + operationId);
        };
    }

    private static Future<ApiRequest> about(ApiRequest request, String id, AskingTask asking, boolean orItself) {
        if (request.parameters().get("follow") instanceof Boolean follow && follow) {
            return Future.failedFuture(
                    asking.refused("a log that is followed could outlive the task; read it piece by piece"));
        }
        var task = TaskInstanceId.parse(id);
        if (task.equals(asking.task())) {
            return orItself
                    ? Future.succeededFuture(request)
                    : Future.failedFuture(asking.refused("this is for what is below it, not for itself"));
        }
        return asking.requireBelow(List.of(task)).map(request);
    }
}
