package dev.orrery.dagfile;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toCollection;
import static java.util.stream.Collectors.toMap;

import dev.orrery.domain.Json;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.TaskId;
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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What changes from one DAG to another, task by task.
 *
 * @param fields of the DAG itself
 * @param changed tasks that both have, with what is different in them
 */
public record DagDifference(
        List<FieldChange> fields, List<TaskDefinition> added, List<TaskDefinition> removed, List<TaskChange> changed) {

    private static final int SHOWN_LENGTH = 60;
    private static final int SHOWN_LINES = 10;

    /** One field with its values as text; absent where the field is. */
    public record FieldChange(String field, Optional<String> before, Optional<String> after) {}

    /** A task that stays, and what is different in it. */
    public record TaskChange(TaskId id, List<FieldChange> fields) {}

    public DagDifference {
        fields = List.copyOf(fields);
        added = List.copyOf(added);
        removed = List.copyOf(removed);
        changed = List.copyOf(changed);
    }

    /** Everything that is not the same in both. */
    public static DagDifference between(DagDraft before, DagDraft after) {
        var old = byId(before);
        var now = byId(after);
        var changed = new ArrayList<TaskChange>();
        now.forEach((id, task) -> {
            var changes = old.containsKey(id) ? changes(fields(old.get(id)), fields(task)) : List.<FieldChange>of();
            if (!changes.isEmpty()) {
                changed.add(new TaskChange(id, changes));
            }
        });
        return new DagDifference(
                dagChanges(before, after, old, now),
                now.values().stream()
                        .filter(task -> !old.containsKey(task.id()))
                        .toList(),
                old.values().stream()
                        .filter(task -> !now.containsKey(task.id()))
                        .toList(),
                changed);
    }

    private static Map<TaskId, TaskDefinition> byId(DagDraft draft) {
        return draft.tasks().stream()
                .collect(toMap(TaskDefinition::id, task -> task, (first, _) -> first, LinkedHashMap::new));
    }

    private static List<FieldChange> dagChanges(
            DagDraft before, DagDraft after, Map<TaskId, TaskDefinition> old, Map<TaskId, TaskDefinition> now) {
        var changes = new ArrayList<>(changes(fields(before), fields(after)));
        var oldOrder = old.keySet().stream().filter(now::containsKey).toList();
        var newOrder = now.keySet().stream().filter(old::containsKey).toList();
        if (!oldOrder.equals(newOrder)) {
            changes.add(new FieldChange("order of tasks", Optional.of(list(oldOrder)), Optional.of(list(newOrder))));
        }
        return changes;
    }

    private static String list(List<TaskId> ids) {
        return ids.stream().map(TaskId::value).collect(joining(", "));
    }

    private static List<FieldChange> changes(Map<String, String> before, Map<String, String> after) {
        var names = new LinkedHashSet<>(before.keySet());
        names.addAll(after.keySet());
        return names.stream()
                .map(name -> new FieldChange(
                        name, Optional.ofNullable(before.get(name)), Optional.ofNullable(after.get(name))))
                .filter(change -> !change.before().equals(change.after()))
                .toList();
    }

    private static Map<String, String> fields(DagDraft dag) {
        var fields = new LinkedHashMap<String, String>();
        dag.name().ifPresent(name -> fields.put("name", name));
        dag.description().ifPresent(description -> fields.put("description", description));
        dag.schedule().ifPresent(schedule -> fields.put("schedule", schedule));
        fields.put("timezone", dag.timezone());
        dag.lock().ifPresent(lock -> fields.put("lock", lock.value()));
        dag.limit().maxRunning().ifPresent(count -> fields.put("maxRunningTasks", Integer.toString(count)));
        dag.limit().rate().ifPresent(rate -> {
            fields.put("taskRate.limit", Integer.toString(rate.limit()));
            fields.put("taskRate.per", Durations.text(rate.per()));
        });
        return fields;
    }

    private static Map<String, String> fields(TaskDefinition task) {
        var fields = new LinkedHashMap<String, String>();
        fields.put("name", task.name());
        fields.put("type", task.type().wireName());
        putTypeFields(fields, task);
        fields.put(
                "dependencies", "[" + list(task.dependencies().stream().sorted().toList()) + "]");
        fields.put("timeout", Durations.text(task.timeout()));
        task.retry().totalTimeout().ifPresent(total -> fields.put("totalTimeout", Durations.text(total)));
        fields.put("retry.maxAttempts", Integer.toString(task.retry().maxAttempts()));
        fields.put("retry.initialDelay", Durations.text(task.retry().initialDelay()));
        fields.put("retry.maxDelay", Durations.text(task.retry().maxDelay()));
        fields.put("retry.backoffMultiplier", Double.toString(task.retry().backoffMultiplier()));
        fields.put("retry.jitter", Double.toString(task.retry().jitter()));
        putRules(fields, "retry.retryOn", task.retry().rules().retryOn());
        putRules(fields, "retry.giveUpOn", task.retry().rules().giveUpOn());
        fields.put("priority", Integer.toString(task.priority()));
        fields.put("queue", task.queue());
        task.lock().ifPresent(lock -> fields.put("lock", lock.value()));
        return fields;
    }

    private static void putRules(Map<String, String> fields, String name, List<FailureRule> rules) {
        if (!rules.isEmpty()) {
            fields.put(name, "[" + rules.stream().map(FailureRule::text).collect(joining(", ")) + "]");
        }
    }

    private static void putTypeFields(Map<String, String> fields, TaskDefinition task) {
        switch (task.type()) {
            case Shell(var command, var env, var directory) -> {
                fields.put("command", command);
                putAll(fields, "env", env);
                directory.ifPresent(path -> fields.put("workingDirectory", path));
            }
            case Http(var method, var url, var headers, var body) -> {
                fields.put("method", method);
                fields.put("url", url);
                putAll(fields, "headers", headers);
                body.map(Json::text).ifPresent(json -> fields.put("body", json));
            }
            case Python(var source, var args, var env, var virtualEnv, var directory) -> {
                switch (source) {
                    case Script(var path) -> fields.put("script", path);
                    case Code(var text) -> fields.put("code", text);
                }
                fields.put("args", args.toString());
                putAll(fields, "env", env);
                virtualEnv.ifPresent(path -> fields.put("virtualEnv", path));
                directory.ifPresent(path -> fields.put("workingDirectory", path));
            }
            case Handler(var handler, var input) -> {
                fields.put("handler", handler);
                fields.put("input", input.text());
            }
            case FunctionCall(var handler) -> fields.put("handler", handler);
            case Agent(var handler, var input) -> {
                fields.put("handler", handler);
                fields.put("input", input.text());
            }
            case AgentCall(var handler) -> fields.put("handler", handler);
            case TaskType.Unreadable(var why) -> fields.put("error", why);
        }
    }

    private static void putAll(Map<String, String> fields, String prefix, Map<String, String> values) {
        values.forEach((key, value) -> fields.put(prefix + "." + key, value));
    }

    public boolean isEmpty() {
        return fields.isEmpty() && added.isEmpty() && removed.isEmpty() && changed.isEmpty();
    }

    /**
     * As people read it: {@code +} for a task that comes, {@code -} for one that goes, {@code ~} for one that changes; each
     * line ends with a line end.
     */
    public String text() {
        if (isEmpty()) {
            return "no difference\n";
        }
        var text = new StringBuilder();
        fields.forEach(change -> append(text, "~ ", change));
        added.forEach(task -> append(text, "+ task ", task));
        removed.forEach(task -> append(text, "- task ", task));
        for (var task : changed) {
            text.append("~ task ").append(task.id()).append('\n');
            task.fields().forEach(change -> append(text, "    ", change));
        }
        return text.toString();
    }

    private static void append(StringBuilder text, String lead, TaskDefinition task) {
        text.append(lead)
                .append(task.id())
                .append(" (")
                .append(task.type().wireName())
                .append(task.dependencies().isEmpty() ? "" : ", after " + shown(list(sorted(task))))
                .append(")\n");
    }

    private static List<TaskId> sorted(TaskDefinition task) {
        return task.dependencies().stream().sorted().collect(toCollection(ArrayList::new));
    }

    private static void append(StringBuilder text, String lead, FieldChange change) {
        if (change.before().isPresent() && change.after().isPresent()) {
            var before = change.before().get();
            var after = change.after().get();
            if (before.contains("\n") || after.contains("\n")) {
                appendLines(text, lead, change.field(), linesOf(before), linesOf(after));
                return;
            }
        }
        text.append(lead)
                .append(Quoted.shortened(change.field(), SHOWN_LENGTH))
                .append(": ")
                .append(change.before().map(DagDifference::shown).orElse("(none)"))
                .append(" -> ")
                .append(change.after().map(DagDifference::shown).orElse("(none)"))
                .append('\n');
    }

    /** Of a text of several lines those that differ: a program changes in a few of many. */
    private static void appendLines(
            StringBuilder text, String lead, String field, List<String> before, List<String> after) {
        var most = Math.min(before.size(), after.size());
        var head = 0;
        while (head < most && before.get(head).equals(after.get(head))) {
            head++;
        }
        var tail = 0;
        while (tail < most - head && before.get(before.size() - 1 - tail).equals(after.get(after.size() - 1 - tail))) {
            tail++;
        }
        text.append(lead)
                .append(Quoted.shortened(field, SHOWN_LENGTH))
                .append(", from its line ")
                .append(head + 1)
                .append(":\n");
        appendLines(text, " ".repeat(lead.length()) + "  - ", before.subList(head, before.size() - tail));
        appendLines(text, " ".repeat(lead.length()) + "  + ", after.subList(head, after.size() - tail));
    }

    /** The last one is empty where the text ends with a line end. */
    private static List<String> linesOf(String text) {
        return List.of(text.split("\n", -1));
    }

    private static void appendLines(StringBuilder text, String lead, List<String> lines) {
        for (var line : lines.subList(0, Math.min(lines.size(), SHOWN_LINES))) {
            text.append(lead).append(Quoted.shortened(line, SHOWN_LENGTH)).append('\n');
        }
        if (lines.size() > SHOWN_LINES) {
            text.append(lead).append("and ").append(lines.size() - SHOWN_LINES).append(" more lines\n");
        }
    }

    private static String shown(String value) {
        return value.isEmpty() ? "\"\"" : Quoted.shortened(value, SHOWN_LENGTH);
    }
}
