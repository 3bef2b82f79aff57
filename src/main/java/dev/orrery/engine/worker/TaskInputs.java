package dev.orrery.engine.worker;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskAssignment;
import io.vertx.core.Future;
import java.util.Map;
import java.util.Optional;

/** Where a worker reads what a task is given. */
@FunctionalInterface
public interface TaskInputs {

    /** Fails with {@code PAYLOAD_TOO_LARGE} where it is more than a task can be given, and would be at every other time. */
    Future<Inputs> read(TaskAssignment assignment);

    /**
     * The params of the run and the outputs of the task's dependencies; {@code letGo} is called once, when the attempt is over.
     *
     * @param own what the task is given instead of its input, or of the params where it has none: it was sent back with it
     */
    record Inputs(Json params, Optional<Json> own, Map<TaskId, Json> outputs, Runnable letGo) {

        public static final Inputs NONE = new Inputs(Json.EMPTY_OBJECT, Optional.empty(), Map.of(), () -> {});

        public Inputs {
            outputs = Map.copyOf(outputs);
        }
    }
}
