package dev.orrery.dagfile;

import dev.orrery.dagfile.GraphCheck.Reference;
import dev.orrery.domain.Json;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskDraft;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.dag.TaskType.PythonSource;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.domain.task.UniqueKey;
import dev.orrery.domain.task.UniqueKey.OnConflict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;

/** Reads a task that is submitted by itself. What it is called and names is known even where other fields of it are wrong. */
final class SingleTaskReader {

    private static final int SHOWN_NAME = 80;

    private final Fields task;
    private final Optional<Json> input;
    private final Optional<Reference> ref;
    private final List<Reference> dependencies;
    private final Optional<Reference> parent;

    SingleTaskReader(JsonTree.Task task, String path, int maxDependencies, Problems problems) {
        this.task = new Fields(task.fields(), path, problems);
        this.input = task.input();
        this.ref = reference("ref", TextRule.ID);
        this.dependencies = dependencies(maxDependencies);
        this.parent = reference("parentTaskId", TextRule.ID);
    }

    /** What other tasks of the same batch name it by. */
    Optional<Reference> ref() {
        return ref;
    }

    /** The texts by which it names what it waits for. */
    List<Reference> dependencies() {
        return dependencies;
    }

    /** The text by which it names its parent. */
    Optional<Reference> parent() {
        return parent;
    }

    private Optional<Reference> reference(String name, TextRule rule) {
        return task.text(name, rule)
                .map(text -> new Reference(text, task.value(name).orElseThrow().place(), task.path(name)));
    }

    private List<Reference> dependencies(int max) {
        if (!task.has("dependencies")) {
            return List.of();
        }
        var items = task.items("dependencies");
        if (items.size() > max) {
            task.refuse(
                    "dependencies",
                    ProblemCode.TOO_MANY_DEPENDENCIES,
                    "a task may wait for at most " + max + " others, this one has " + items.size(),
                    "put a task between that waits for a part of them");
            return List.of();
        }
        var references = new ArrayList<Reference>(items.size());
        for (var item : items) {
            if (item.node() instanceof YamlNode.Scalar scalar && CoreSchema.kindOf(scalar) == CoreSchema.Kind.TEXT) {
                references.add(new Reference(scalar.text(), scalar.place(), item.path()));
            } else {
                task.refuseType(item.node(), item.path(), "a dependency", "a text");
            }
        }
        return references;
    }

    /** The task, but for those that it names; nothing where something in it is wrong, which is then noted. */
    Optional<TaskDraft> read() {
        var problems = task.problems();
        var before = problems.count();
        var typeName = TaskReader.typeName(task);
        task.refuseUnknown(FieldNames.ofSingleTask(typeName), field -> misplaced(field, typeName));
        var type = typeName.map(known -> new TypeReader(task).readCall(known));
        var name = task.text("name", TextRule.NAME);
        var retry = retry();
        var estimate = task.number("estimatedDurationSeconds", 0, (double) TaskDraft.MAX_ESTIMATE.toSeconds())
                .map(seconds -> Duration.ofMillis(Math.round(seconds * 1_000)));
        var queue = task.text("queue", TextRule.QUEUE);
        var priority = task.wholeNumber("priority", 0, TaskDefinition.MAX_PRIORITY);
        var timeout = task.duration("timeout", TaskDefinition.MIN_TIMEOUT, TaskDefinition.MAX_TIMEOUT);
        var deadline = task.time("deadline");
        var source = task.choice("source", TaskSource.class);
        var createdBy = task.text("createdBy", TextRule.LABEL);
        var sessionId = task.text("sessionId", TextRule.LABEL);
        var dependencyType = task.choice("dependencyType", DependencyType.class);
        var tags = tags();
        var notBefore = task.time("notBefore");
        var uniqueKey = uniqueKey();
        var waitsForChildren = task.truth("waitForChildren");
        var concurrencyKey = task.text("concurrencyKey", TextRule.LABEL);
        if (problems.count() > before || type.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new TaskDraft(
                ref.map(Reference::id),
                name.orElseGet(() -> nameOf(type.get())),
                type.get(),
                input,
                queue,
                priority.orElse(TaskDefinition.DEFAULT_PRIORITY),
                timeout.orElse(TaskDefinition.DEFAULT_TIMEOUT),
                retry,
                deadline,
                estimate,
                source.orElse(TaskSource.DEFAULT),
                createdBy,
                Optional.empty(),
                sessionId,
                List.of(),
                dependencyType.orElse(DependencyType.DEFAULT),
                tags,
                notBefore,
                uniqueKey,
                concurrencyKey,
                waitsForChildren.orElse(false)));
    }

    private static Optional<String> misplaced(String field, Optional<String> type) {
        return field.equals("lock")
                        || FieldNames.synonym(field).filter("lock"::equals).isPresent()
                ? Optional.of(
                        "locks are for the tasks of DAGs; of all tasks with the same 'concurrencyKey' one runs at a time")
                : TaskReader.misplaced(field, type);
    }

    private RetryPolicy retry() {
        var policy = TaskReader.retry(task, TaskDraft.DEFAULT_RETRY);
        var retries = task.wholeNumber("maxRetries", 0, RetryPolicy.ATTEMPTS_LIMIT - 1);
        if (retries.isEmpty()) {
            return policy;
        }
        var longName = task.has("retry") ? "retry" : "retryPolicy";
        if (task.mapping(longName).filter(fields -> fields.has("maxAttempts")).isPresent()) {
            task.refuse(
                    "maxRetries",
                    ProblemCode.CONFLICTING_FIELDS,
                    "'maxRetries' and '" + longName + ".maxAttempts' say the same thing: attempts are retries + 1",
                    "remove one of them");
        }
        return policy.withMaxAttempts(retries.get() + 1);
    }

    private List<String> tags() {
        if (!task.has("tags")) {
            return List.of();
        }
        var tags = task.textList("tags", TextRule.TAG);
        if (tags.size() > TaskDraft.MAX_TAGS) {
            task.refuse(
                    "tags",
                    ProblemCode.OUT_OF_RANGE,
                    "a task may have at most " + TaskDraft.MAX_TAGS + " tags, this one has " + tags.size(),
                    "put what describes it into 'input'");
        }
        return List.copyOf(new LinkedHashSet<>(tags));
    }

    private Optional<UniqueKey> uniqueKey() {
        var key = task.text("uniqueKey", TextRule.LABEL);
        var onConflict = task.choice("onConflict", OnConflict.class);
        if (onConflict.isPresent() && !task.has("uniqueKey")) {
            task.refuse(
                    "onConflict",
                    ProblemCode.CONFLICTING_FIELDS,
                    "'onConflict' says what to do where another task has the 'uniqueKey', and there is none",
                    "add a 'uniqueKey', or remove it");
        }
        return key.map(value -> new UniqueKey(value, onConflict.orElse(OnConflict.DEFAULT)));
    }

    /** What people read where nobody gave it a name. */
    private static String nameOf(TaskType type) {
        var text = switch (type) {
            case TaskType.Shell shell ->
                shell.command().strip().lines().findFirst().orElse("");
            case TaskType.Http http -> http.method() + " " + http.url();
            case TaskType.Python python -> python.source() instanceof PythonSource.Script(var path) ? path : "python";
            case TaskType.Handler handler -> handler.handler();
            case TaskType.FunctionCall call -> call.handler();
            case TaskType.RemoteWork work -> work.handler();
            case TaskType.Unreadable _ -> "";
        };
        var name = Quoted.shortened(text, SHOWN_NAME);
        return TaskDefinition.isName(name) ? name : type.wireName();
    }
}
