package dev.orrery.executor;

import dev.orrery.domain.dag.TaskType;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import java.util.function.Supplier;

/** What all attempts at process tasks share. */
record ProcessParts(
        Confinement confinement,
        Spawner spawner,
        WorkRoot workRoot,
        LaunchPlans plans,
        RunFolders runFolders,
        Supplier<String> apiUrl,
        Function<TaskContext, String> tokens,
        TaskSecrets secrets,
        Duration killGrace,
        ExecutorService threads) {

    /** What this task starts; throws {@link CannotStart} where something is missing. */
    Launch plan(TaskContext context, AttemptFolder folder, TaskSecrets.Opened opened) throws IOException {
        // Single tasks have no others to hand files on to.
        var runFolder =
                context.dag().isPresent() ? Optional.of(runFolders.open(context.runId())) : Optional.<Path>empty();
        return switch (context.task().type()) {
            case TaskType.Shell shell ->
                plans.shell(shell, environment(context, filled(shell.env(), opened), folder, runFolder), folder);
            case TaskType.Python python ->
                plans.python(python, environment(context, filled(python.env(), opened), folder, runFolder), folder);
            case TaskType.Http _,
                    TaskType.Handler _,
                    TaskType.FunctionCall _,
                    TaskType.RemoteWork _,
                    TaskType.Unreadable _ ->
                throw new IllegalArgumentException(
                        "not a process: " + context.task().type());
        };
    }

    private static Map<String, String> filled(Map<String, String> env, TaskSecrets.Opened opened) {
        var filled = new LinkedHashMap<String, String>();
        env.forEach((name, value) -> filled.put(name, opened.filled("env." + name, value)));
        return filled;
    }

    private Map<String, String> environment(
            TaskContext context, Map<String, String> taskEnv, AttemptFolder folder, Optional<Path> runFolder) {
        return TaskEnvironment.of(context, taskEnv, apiUrl.get(), tokens.apply(context), folder, runFolder);
    }
}
