package dev.orrery.executor;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TimeZone;
import java.util.regex.Pattern;

/** The environment variables of a process: a clean base, what the task asks for, and what it may know of its attempt. */
final class TaskEnvironment {

    static final String RUN_DIR = "ORRERY_RUN_DIR";
    static final String PATH = "/usr/local/bin:/usr/bin:/bin";

    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
    private static final String LANG = Optional.ofNullable(System.getenv("LANG"))
            .filter(set -> !set.isEmpty())
            .orElse("C.UTF-8");
    private static final String TZ = Optional.ofNullable(System.getenv("TZ"))
            .filter(set -> !set.isEmpty())
            .orElseGet(() -> TimeZone.getDefault().getID());

    private TaskEnvironment() {}

    /**
     * Later ones win: nothing in {@code taskEnv} can hide what the node says of the attempt. But a task that brings a token of its
     * own calls the API by that.
     */
    static Map<String, String> of(
            TaskContext context,
            Map<String, String> taskEnv,
            String apiUrl,
            String token,
            AttemptFolder folder,
            Optional<Path> runFolder) {
        var env = new LinkedHashMap<String, String>();
        env.put("PATH", PATH);
        env.put("LANG", LANG);
        env.put("TZ", TZ);
        env.put("HOME", folder.home().toString());
        env.put("TRACEPARENT", context.trace().traceparent());
        env.put("ORRERY_TOKEN", token);
        taskEnv.forEach((name, value) -> putChecked(env, name, value));
        env.put("ORRERY_API", apiUrl);
        env.put("ORRERY_TENANT", context.tenant().name());
        context.dag().ifPresent(dag -> {
            env.put("ORRERY_DAG_ID", dag.id().toString());
            env.put("ORRERY_DAG_NAME", LogText.clean(dag.name()));
            env.put("ORRERY_RUN_ID", context.runId().toString());
        });
        env.put("ORRERY_TASK_ID", context.task().id().value());
        env.put("ORRERY_TASK_INSTANCE_ID", context.instanceId().toString());
        env.put("ORRERY_ATTEMPT", String.valueOf(context.attempt()));
        env.put("ORRERY_FENCE", String.valueOf(context.fence()));
        context.lockFence().ifPresent(fence -> env.put("ORRERY_LOCK_FENCE", String.valueOf(fence)));
        runFolder.ifPresent(path -> env.put(RUN_DIR, path.toString()));
        env.put("ORRERY_INPUTS", folder.inputs().toString());
        env.put("ORRERY_PARAMS", folder.params().toString());
        env.put("ORRERY_OUTPUT", folder.output().toString());
        return env;
    }

    private static void putChecked(Map<String, String> env, String name, String value) {
        if (!NAME.matcher(name).matches()) {
            throw new CannotStart("env: '" + name + "' cannot be the name of a variable; use letters, digits and _");
        }
        if (value.indexOf('\0') >= 0) {
            throw new CannotStart("env: the value of " + name + " has a NUL character, which no process can be given");
        }
        env.put(name, value);
    }
}
