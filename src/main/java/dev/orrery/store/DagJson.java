package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.LockName;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.DagDefinition;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.dag.TaskType.Agent;
import dev.orrery.domain.dag.TaskType.AgentCall;
import dev.orrery.domain.dag.TaskType.FunctionCall;
import dev.orrery.domain.dag.TaskType.Handler;
import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.dag.TaskType.Python;
import dev.orrery.domain.dag.TaskType.PythonSource.Code;
import dev.orrery.domain.dag.TaskType.PythonSource.Script;
import dev.orrery.domain.dag.TaskType.Shell;
import dev.orrery.domain.task.Durations;
import dev.orrery.domain.task.FailureRule;
import dev.orrery.domain.task.Limit;
import dev.orrery.domain.task.Rate;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.RetryRules;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * DAGs as JSON, with the field names of DAG files and every default written out: a later release with other defaults reads
 * what was meant.
 *
 * <p>In the stored form, values that a user wrote as JSON (an HTTP body, a handler's input) stand as text: {@code jsonb}
 * would order their fields anew and write their numbers in its own way, and what is read would not be what was published.
 */
public final class DagJson {

    private DagJson() {}

    /** The stored form. */
    public static Json write(DagDraft draft) {
        return new Json(object(draft, Json::text).encode());
    }

    /** The form for readers: user's JSON stands in it as such. */
    public static Json show(DagDefinition definition) {
        var draft = new DagDraft(
                Optional.of(definition.name()),
                definition.description(),
                definition.tasks(),
                definition.schedule(),
                definition.timezone(),
                definition.lock(),
                definition.limit());
        return new Json(object(draft, json -> io.vertx.core.json.Json.decodeValue(json.text()))
                .encode());
    }

    /** Reads the stored form; what is not in it comes from the version's row. */
    public static DagDefinition read(Json stored, DagId id, int version, Instant createdAt) {
        var dag = new JsonObject(stored.text());
        var tasks = new ArrayList<TaskDefinition>();
        for (var task : dag.getJsonArray("tasks")) {
            tasks.add(task((JsonObject) task));
        }
        return new DagDefinition(
                id,
                dag.getString("name"),
                text(dag, "description"),
                tasks,
                text(dag, "schedule"),
                dag.getString("timezone"),
                text(dag, "lock").map(LockName::new),
                limit(dag),
                version,
                createdAt);
    }

    // What a single task's definition leaves out where it is so. These are part of the form: they stay as they are,
    // whatever
    // the defaults of later releases.
    private static final Duration SINGLE_TIMEOUT = Duration.ofMinutes(30);
    private static final RetryPolicy SINGLE_RETRY =
            new RetryPolicy(4, Duration.ofSeconds(1), Duration.ofMinutes(5), 2.0, 0.1);
    private static final int SINGLE_PRIORITY = 5;
    private static final String SINGLE_QUEUE = "default";
    private static final String SINGLE_NAME = "task";

    /** The stored form of a single task: short, since each has its own. Its id is its row's, and it has no dependencies here. */
    public static Json writeSingle(TaskDefinition task) {
        var object = new JsonObject().put("type", task.type().wireName());
        putType(object, task.type(), Json::text);
        task.lock().ifPresent(lock -> object.put("lock", lock.value()));
        if (!task.timeout().equals(SINGLE_TIMEOUT)) {
            object.put("timeout", Durations.text(task.timeout()));
        }
        putTotal(object, task.retry());
        if (!task.retry().equals(SINGLE_RETRY)) {
            object.put("retry", object(task.retry()));
        }
        if (task.priority() != SINGLE_PRIORITY) {
            object.put("priority", task.priority());
        }
        if (!task.queue().equals(SINGLE_QUEUE)) {
            object.put("queue", task.queue());
        }
        if (!task.name().equals(SINGLE_NAME)) {
            object.put("name", task.name());
        }
        return new Json(object.encode());
    }

    /**
     * Reads the stored form of a single task. What it cannot read comes back as {@link TaskType.Unreadable}: others are read
     * along with it, and are not to suffer.
     */
    public static TaskDefinition readSingle(Json stored, TaskInstanceId id) {
        var taskId = new TaskId(id.toString());
        try {
            return single(new JsonObject(stored.text()), taskId);
        } catch (RuntimeException broken) {
            return new TaskDefinition(
                    taskId,
                    SINGLE_NAME,
                    new TaskType.Unreadable("its definition in the database cannot be read: "
                            + Objects.toString(broken.getMessage(), "")),
                    SINGLE_TIMEOUT,
                    SINGLE_RETRY,
                    Set.of(),
                    SINGLE_PRIORITY,
                    SINGLE_QUEUE);
        }
    }

    private static TaskDefinition single(JsonObject object, TaskId id) {
        return new TaskDefinition(
                id,
                object.getString("name", SINGLE_NAME),
                type(object),
                object.containsKey("timeout") ? duration(object, "timeout") : SINGLE_TIMEOUT,
                retry(object, object.containsKey("retry") ? retry(object.getJsonObject("retry")) : SINGLE_RETRY),
                Set.of(),
                object.getInteger("priority", SINGLE_PRIORITY),
                object.getString("queue", SINGLE_QUEUE),
                text(object, "lock").map(LockName::new));
    }

    /** What a single task does, for readers: the fields of its type, and how often it is tried. */
    public static Json showSingle(TaskDefinition task) {
        var object = new JsonObject().put("type", task.type().wireName());
        putType(object, task.type(), json -> io.vertx.core.json.Json.decodeValue(json.text()));
        putTotal(object, task.retry());
        return new Json(object.put("retry", object(task.retry())).encode());
    }

    /** How JSON that a user wrote is put into JSON of ours. */
    @FunctionalInterface
    private interface Embedding {
        Object of(Json json);
    }

    private static JsonObject object(DagDraft draft, Embedding embedding) {
        var dag = new JsonObject();
        draft.name().ifPresent(name -> dag.put("name", name));
        draft.description().ifPresent(description -> dag.put("description", description));
        draft.schedule().ifPresent(schedule -> dag.put("schedule", schedule));
        dag.put("timezone", draft.timezone());
        draft.lock().ifPresent(lock -> dag.put("lock", lock.value()));
        draft.limit().maxRunning().ifPresent(count -> dag.put("maxRunningTasks", count));
        draft.limit()
                .rate()
                .ifPresent(rate -> dag.put(
                        "taskRate",
                        new JsonObject().put("limit", rate.limit()).put("per", Durations.text(rate.per()))));
        var tasks = new ArrayList<JsonObject>(draft.tasks().size());
        draft.tasks().forEach(task -> tasks.add(object(task, embedding)));
        return dag.put("tasks", new JsonArray(tasks));
    }

    private static Limit limit(JsonObject dag) {
        var most = dag.getInteger("maxRunningTasks");
        var rate = Optional.ofNullable(dag.getJsonObject("taskRate"))
                .map(object -> new Rate(object.getInteger("limit"), duration(object, "per")));
        return new Limit(most == null ? OptionalInt.empty() : OptionalInt.of(most), rate);
    }

    private static JsonObject object(TaskDefinition task, Embedding embedding) {
        var object = new JsonObject()
                .put("id", task.id().value())
                .put("name", task.name())
                .put("type", task.type().wireName());
        putType(object, task.type(), embedding);
        task.lock().ifPresent(lock -> object.put("lock", lock.value()));
        object.put("timeout", Durations.text(task.timeout()));
        putTotal(object, task.retry());
        return object.put("retry", object(task.retry()))
                .put(
                        "dependencies",
                        new JsonArray(
                                task.dependencies().stream().map(TaskId::value).toList()))
                .put("priority", task.priority())
                .put("queue", task.queue());
    }

    private static void putType(JsonObject object, TaskType type, Embedding embedding) {
        switch (type) {
            case Shell(var command, var env, var workingDirectory) -> {
                object.put("command", command).put("env", object(env));
                workingDirectory.ifPresent(path -> object.put("workingDirectory", path));
            }
            case Http(var method, var url, var headers, var body) -> {
                object.put("method", method).put("url", url).put("headers", object(headers));
                body.ifPresent(json -> object.put("body", embedding.of(json)));
            }
            case Python python -> putPython(object, python);
            case Handler(var handler, var input) ->
                object.put("handler", handler).put("input", embedding.of(input));
            case FunctionCall(var handler) -> object.put("handler", handler);
            case Agent(var handler, var input) -> object.put("handler", handler).put("input", embedding.of(input));
            case AgentCall(var handler) -> object.put("handler", handler);
            case TaskType.Unreadable(var why) -> object.put("error", why);
        }
    }

    private static void putPython(JsonObject object, Python python) {
        switch (python.source()) {
            case Script(var path) -> object.put("script", path);
            case Code(var text) -> object.put("code", text);
        }
        object.put("args", new JsonArray(python.args())).put("env", object(python.env()));
        python.virtualEnv().ifPresent(path -> object.put("virtualEnv", path));
        python.workingDirectory().ifPresent(path -> object.put("workingDirectory", path));
    }

    private static JsonObject object(RetryPolicy retry) {
        var object = new JsonObject()
                .put("maxAttempts", retry.maxAttempts())
                .put("initialDelay", Durations.text(retry.initialDelay()))
                .put("maxDelay", Durations.text(retry.maxDelay()))
                .put("backoffMultiplier", retry.backoffMultiplier())
                .put("jitter", retry.jitter());
        putRules(object, "retryOn", retry.rules().retryOn());
        putRules(object, "giveUpOn", retry.rules().giveUpOn());
        return object;
    }

    /** Nodes of a release that does not know them read what is left. */
    private static void putRules(JsonObject object, String field, List<FailureRule> rules) {
        if (!rules.isEmpty()) {
            object.put(
                    field, new JsonArray(rules.stream().map(FailureRule::text).toList()));
        }
    }

    private static JsonObject object(Map<String, String> map) {
        return new JsonObject(new LinkedHashMap<>(map));
    }

    private static TaskDefinition task(JsonObject object) {
        return new TaskDefinition(
                new TaskId(object.getString("id")),
                object.getString("name"),
                type(object),
                duration(object, "timeout"),
                retry(object, retry(object.getJsonObject("retry"))),
                dependencies(object),
                object.getInteger("priority"),
                object.getString("queue"),
                text(object, "lock").map(LockName::new));
    }

    private static TaskType type(JsonObject object) {
        var type = object.getString("type");
        return switch (type) {
            case "shell" ->
                new Shell(object.getString("command"), texts(object, "env"), text(object, "workingDirectory"));
            case "http" ->
                new Http(
                        object.getString("method"),
                        object.getString("url"),
                        texts(object, "headers"),
                        text(object, "body").map(Json::new));
            case "python" ->
                new Python(
                        text(object, "script")
                                .<TaskType.PythonSource>map(Script::new)
                                .orElseGet(() -> new Code(object.getString("code"))),
                        list(object, "args"),
                        texts(object, "env"),
                        text(object, "virtualEnv"),
                        text(object, "workingDirectory"));
            case "handler" ->
                object.containsKey("input")
                        ? new Handler(object.getString("handler"), new Json(object.getString("input")))
                        : new FunctionCall(object.getString("handler"));
            case "agent" ->
                object.containsKey("input")
                        ? new Agent(object.getString("handler"), new Json(object.getString("input")))
                        : new AgentCall(object.getString("handler"));
            default -> throw new IllegalArgumentException("no task type is called '" + type + "'");
        };
    }

    /** It stands in the task, beside its timeout. Nodes of a release that does not know it read what is left. */
    private static void putTotal(JsonObject task, RetryPolicy retry) {
        retry.totalTimeout().ifPresent(total -> task.put("totalTimeout", Durations.text(total)));
    }

    private static RetryPolicy retry(JsonObject task, RetryPolicy policy) {
        return task.containsKey("totalTimeout") ? policy.withTotalTimeout(duration(task, "totalTimeout")) : policy;
    }

    private static RetryPolicy retry(JsonObject object) {
        return new RetryPolicy(
                object.getInteger("maxAttempts"),
                duration(object, "initialDelay"),
                duration(object, "maxDelay"),
                object.getDouble("backoffMultiplier"),
                object.getDouble("jitter"),
                new RetryRules(rules(object, "retryOn"), rules(object, "giveUpOn")));
    }

    private static List<FailureRule> rules(JsonObject object, String field) {
        return object.containsKey(field)
                ? list(object, field).stream().map(FailureRule::new).toList()
                : List.of();
    }

    private static Set<TaskId> dependencies(JsonObject object) {
        var dependencies = new LinkedHashSet<TaskId>();
        list(object, "dependencies").forEach(id -> dependencies.add(new TaskId(id)));
        return dependencies;
    }

    private static Duration duration(JsonObject object, String field) {
        var text = object.getString(field);
        return Durations.parse(text)
                .orElseThrow(() -> new IllegalArgumentException(field + " is no duration: '" + text + "'"));
    }

    private static Optional<String> text(JsonObject object, String field) {
        return Optional.ofNullable(object.getString(field));
    }

    private static List<String> list(JsonObject object, String field) {
        return object.getJsonArray(field).stream().map(String.class::cast).toList();
    }

    private static Map<String, String> texts(JsonObject object, String field) {
        var texts = new LinkedHashMap<String, String>();
        object.getJsonObject(field).forEach(entry -> texts.put(entry.getKey(), (String) entry.getValue()));
        return texts;
    }
}
