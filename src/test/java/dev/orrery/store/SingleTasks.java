package dev.orrery.store;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.TaskSource;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Single tasks that do nothing, for tests of when they do it. */
final class SingleTasks {

    static final Json DEFINITION = DagJson.writeSingle(new TaskDefinition(
            new TaskId("t"),
            "t",
            new TaskType.Handler("noop", Json.NULL),
            TaskDefinition.DEFAULT_TIMEOUT,
            RetryPolicy.DEFAULT,
            Set.of(),
            5,
            "default"));

    private SingleTasks() {}

    static NewTask task(OrderModel.Wish wish) {
        return task(wish, "default");
    }

    static NewTask task(OrderModel.Wish wish, String queue) {
        return new NewTask(
                "t",
                DEFINITION,
                Optional.empty(),
                queue,
                wish.priority(),
                wish.deadline(),
                Optional.of(wish.estimate()),
                TaskSource.DEFAULT,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                wish.prerequisites().stream()
                        .map(id -> new NewTask.Prerequisite(new TaskInstanceId(id)))
                        .toList(),
                DependencyType.SEQUENTIAL,
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Duration.ofMinutes(1));
    }
}
