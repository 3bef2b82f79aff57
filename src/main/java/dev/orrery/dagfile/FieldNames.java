package dev.orrery.dagfile;

import static java.util.Objects.requireNonNull;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which fields may stand where, in the order in which people read them best. */
final class FieldNames {

    static final List<String> DAG =
            List.of("name", "description", "schedule", "timezone", "lock", "maxRunningTasks", "taskRate", "tasks");

    static final List<String> RATE = List.of("limit", "per");

    static final List<String> TASK = List.of(
            "id",
            "name",
            "type",
            "dependencies",
            "timeout",
            "totalTimeout",
            "retry",
            "retryPolicy",
            "priority",
            "queue",
            "lock");

    static final List<String> RETRY =
            List.of("maxAttempts", "initialDelay", "maxDelay", "backoffMultiplier", "jitter", "retryOn", "giveUpOn");

    static final List<String> SHELL = List.of("command", "env", "workingDirectory");
    static final List<String> HTTP = List.of("method", "url", "headers", "body");
    static final List<String> PYTHON = List.of("script", "code", "args", "env", "virtualEnv", "workingDirectory");
    static final List<String> HANDLER = List.of("handler", "input");
    static final List<String> AGENT = List.of("handler", "input");

    /** The task types by the name that stands in {@code type}. */
    static final List<String> TYPES = List.of("shell", "http", "python", "handler", "agent");

    /** Of a task that is submitted by itself, beside those of its type. */
    static final List<String> SINGLE = List.of(
            "ref",
            "name",
            "type",
            "input",
            "queue",
            "priority",
            "deadline",
            "estimatedDurationSeconds",
            "dependencies",
            "dependencyType",
            "parentTaskId",
            "waitForChildren",
            "sessionId",
            "source",
            "createdBy",
            "tags",
            "timeout",
            "totalTimeout",
            "maxRetries",
            "retry",
            "retryPolicy",
            "notBefore",
            "uniqueKey",
            "onConflict",
            "concurrencyKey");

    private static final Map<Optional<String>, Set<String>> OF_SINGLE = Stream.concat(
                    Stream.of(Optional.<String>empty()), TYPES.stream().map(Optional::of))
            .collect(Collectors.toUnmodifiableMap(type -> type, type -> with(SINGLE, type)));

    /** What other schedulers call our fields and types, where no slip of the finger leads there. */
    private static final Map<String, String> SYNONYMS = Map.ofEntries(
            Map.entry("dependsOn", "dependencies"),
            Map.entry("depends_on", "dependencies"),
            Map.entry("depends", "dependencies"),
            Map.entry("needs", "dependencies"),
            Map.entry("after", "dependencies"),
            Map.entry("upstream", "dependencies"),
            Map.entry("cron", "schedule"),
            Map.entry("tz", "timezone"),
            Map.entry("steps", "tasks"),
            Map.entry("jobs", "tasks"),
            Map.entry("nodes", "tasks"),
            Map.entry("title", "name"),
            Map.entry("run", "command"),
            Map.entry("cmd", "command"),
            Map.entry("bash", "command"),
            Map.entry("exec", "command"),
            Map.entry("environment", "env"),
            Map.entry("cwd", "workingDirectory"),
            Map.entry("workdir", "workingDirectory"),
            Map.entry("venv", "virtualEnv"),
            Map.entry("arguments", "args"),
            Map.entry("uri", "url"),
            Map.entry("payload", "input"),
            Map.entry("data", "body"),
            Map.entry("due", "deadline"),
            Map.entry("dueAt", "deadline"),
            Map.entry("dueDate", "deadline"),
            Map.entry("runAt", "notBefore"),
            Map.entry("runAfter", "notBefore"),
            Map.entry("scheduledAt", "notBefore"),
            Map.entry("eta", "notBefore"),
            Map.entry("parent", "parentTaskId"),
            Map.entry("parentId", "parentTaskId"),
            Map.entry("session", "sessionId"),
            Map.entry("submittedBy", "createdBy"),
            Map.entry("owner", "createdBy"),
            Map.entry("labels", "tags"),
            Map.entry("params", "input"),
            Map.entry("dedupKey", "uniqueKey"),
            Map.entry("key", "uniqueKey"),
            Map.entry("retries", "retry"),
            Map.entry("mutex", "lock"),
            Map.entry("locks", "lock"),
            Map.entry("concurrencyGroup", "lock"),
            Map.entry("concurrency", "maxRunningTasks"),
            Map.entry("maxActiveTasks", "maxRunningTasks"),
            Map.entry("max_active_tasks", "maxRunningTasks"),
            Map.entry("rateLimit", "taskRate"),
            Map.entry("attempts", "maxAttempts"),
            Map.entry("maxRetries", "maxAttempts"),
            Map.entry("retryDelay", "initialDelay"),
            Map.entry("delay", "initialDelay"),
            Map.entry("multiplier", "backoffMultiplier"),
            Map.entry("backoff", "backoffMultiplier"));

    private FieldNames() {}

    static List<String> ofType(String type) {
        return switch (type) {
            case "shell" -> SHELL;
            case "http" -> HTTP;
            case "python" -> PYTHON;
            case "handler" -> HANDLER;
            case "agent" -> AGENT;
            default -> throw new IllegalArgumentException("no task type is called " + type);
        };
    }

    /** All that may stand in a task of this type; of any type where it is unknown. */
    static Set<String> ofTask(Optional<String> type) {
        return with(TASK, type);
    }

    /** All that may stand in a single task of this type; of any type where it is unknown. */
    static Set<String> ofSingleTask(Optional<String> type) {
        return requireNonNull(OF_SINGLE.get(type));
    }

    private static Set<String> with(List<String> common, Optional<String> type) {
        var names = new LinkedHashSet<>(common);
        type.ifPresentOrElse(
                known -> names.addAll(ofType(known)), () -> TYPES.forEach(each -> names.addAll(ofType(each))));
        return names;
    }

    /** The types that have this field. */
    static List<String> typesWith(String field) {
        return TYPES.stream().filter(type -> ofType(type).contains(field)).toList();
    }

    static Optional<String> synonym(String name) {
        return Optional.ofNullable(SYNONYMS.get(name));
    }
}
