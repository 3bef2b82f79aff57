package dev.orrery.dagfile;

import static java.util.stream.Collectors.toCollection;

import dev.orrery.dagfile.CoreSchema.Kind;
import dev.orrery.dagfile.GraphCheck.Reference;
import dev.orrery.dagfile.YamlNode.Scalar;
import dev.orrery.domain.LockName;
import dev.orrery.domain.Nearest;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.task.FailureRule;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.RetryRules;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Reads one task. What it is called and waits for is known even where other fields of it are wrong. */
final class TaskReader {

    private static final Map<String, String> TYPE_SYNONYMS = Map.of(
            "bash", "shell",
            "sh", "shell",
            "command", "shell",
            "rest", "http",
            "https", "http",
            "script", "python",
            "python3", "python");

    private final Fields task;
    private final Problems problems;
    private final Optional<Reference> id;
    private final List<Reference> dependencies;

    TaskReader(Fields task) {
        this.task = task;
        this.problems = task.problems();
        this.id = id(task);
        this.dependencies = dependencies(task);
    }

    /** Where the task says what it is called. */
    Optional<Reference> id() {
        return id;
    }

    /** Where it says what it waits for. */
    List<Reference> dependencies() {
        return dependencies;
    }

    private static Optional<Reference> id(Fields task) {
        task.requirePresent("id", "give the task an id, such as 'id: extract'");
        return task.text("id", TextRule.ID)
                .map(text -> new Reference(text, task.value("id").orElseThrow().place(), task.path("id")));
    }

    private static List<Reference> dependencies(Fields task) {
        var dependencies = new ArrayList<Reference>();
        var items = task.items("dependencies");
        if (items.size() > DagDraft.MAX_DEPENDENCIES) {
            task.refuse(
                    "dependencies",
                    ProblemCode.TOO_MANY_DEPENDENCIES,
                    "a task may wait for at most " + DagDraft.MAX_DEPENDENCIES + " others, this one has "
                            + items.size(),
                    "put a task between that waits for a part of them");
        }
        for (var item : items) {
            if (item.node() instanceof Scalar scalar && CoreSchema.kindOf(scalar) == Kind.TEXT) {
                dependencies.add(new Reference(scalar.text(), scalar.place(), item.path()));
            } else {
                task.refuseType(item.node(), item.path(), "a dependency", "a text");
            }
        }
        return dependencies;
    }

    /** The task of a DAG with this lock; nothing where something in it is wrong, which is then noted. */
    Optional<TaskDefinition> read(Optional<LockName> dagLock) {
        var before = problems.count();
        var typeName = typeName(task);
        task.refuseUnknown(FieldNames.ofTask(typeName), field -> misplaced(field, typeName));
        var name = task.text("name", TextRule.NAME);
        var timeout = task.duration("timeout", TaskDefinition.MIN_TIMEOUT, TaskDefinition.MAX_TIMEOUT);
        var retry = retry(task, RetryPolicy.DEFAULT);
        var priority = task.wholeNumber("priority", 0, TaskDefinition.MAX_PRIORITY);
        var queue = task.text("queue", TextRule.QUEUE);
        var lock = task.text("lock", TextRule.LOCK).map(LockName::new);
        refuseLockOf(dagLock, lock);
        var type = typeName.map(known -> new TypeReader(task).read(known));
        if (problems.count() > before || id.isEmpty() || type.isEmpty() || !areIds(dependencies)) {
            return Optional.empty();
        }
        var taskId = new TaskId(id.get().id());
        var upstreams = dependencies.stream()
                .map(dependency -> new TaskId(dependency.id()))
                .filter(dependency -> !dependency.equals(taskId))
                .collect(toCollection(LinkedHashSet::new));
        return Optional.of(new TaskDefinition(
                taskId,
                name.orElse(taskId.value()),
                type.get(),
                timeout.orElse(TaskDefinition.DEFAULT_TIMEOUT),
                retry,
                upstreams,
                priority.orElse(TaskDefinition.DEFAULT_PRIORITY),
                queue.orElse(TaskDefinition.DEFAULT_QUEUE),
                lock));
    }

    private void refuseLockOf(Optional<LockName> dagLock, Optional<LockName> lock) {
        if (lock.isPresent() && lock.equals(dagLock)) {
            task.refuse(
                    "lock",
                    ProblemCode.LOCK_WITHIN_ITSELF,
                    "the lock " + Quoted.of(lock.get().value())
                            + " is held by the DAG while it runs, the task would wait for it for ever",
                    "remove it here: the tasks of the DAG are already alone with it");
        }
    }

    private static boolean areIds(List<Reference> references) {
        return references.stream().allMatch(reference -> TextRule.ID.allows(reference.id()));
    }

    /** The type of a task; nothing where it has none that we know, which is then noted. */
    static Optional<String> typeName(Fields task) {
        task.requirePresent("type", "write 'type: shell', or python, http, handler or agent");
        var type = task.text("type", TextRule.ANY);
        if (type.isEmpty() || FieldNames.TYPES.contains(type.get())) {
            return type;
        }
        task.problems()
                .add(
                        ProblemCode.UNKNOWN_TYPE,
                        task.value("type").orElseThrow().place(),
                        task.path("type"),
                        "no task type is called " + Quoted.of(type.get()),
                        () -> Optional.ofNullable(TYPE_SYNONYMS.get(type.get()))
                                .or(() -> Nearest.to(type.get(), FieldNames.TYPES))
                                .map(nearest -> "did you mean '" + nearest + "'?")
                                .or(() -> Optional.of("known are " + String.join(", ", FieldNames.TYPES))));
        return Optional.empty();
    }

    /** What there is to say of a field that this type does not have. */
    static Optional<String> misplaced(String field, Optional<String> type) {
        var owners = FieldNames.typesWith(field);
        return type.filter(_ -> !owners.isEmpty())
                .map(known -> "the field '" + field + "' belongs to "
                        + owners.stream().collect(Collectors.joining(" and ")) + " tasks; this one is " + known);
    }

    /** How often and for how long it is tried; what is not said is as in {@code standard}. */
    static RetryPolicy retry(Fields task, RetryPolicy standard) {
        if (task.has("retry") && task.has("retryPolicy")) {
            task.refuse(
                    "retryPolicy",
                    ProblemCode.CONFLICTING_FIELDS,
                    "'retry' and 'retryPolicy' are two names of one field",
                    "remove one of them");
        }
        var shortName = task.mapping("retry").map(retry -> policy(retry, standard));
        var longName = task.mapping("retryPolicy").map(retry -> policy(retry, standard));
        var policy = shortName.or(() -> longName).orElse(standard);
        return task.duration("totalTimeout", RetryPolicy.MIN_TOTAL_TIMEOUT, RetryPolicy.MAX_TOTAL_TIMEOUT)
                .map(policy::withTotalTimeout)
                .orElse(policy);
    }

    private static RetryPolicy policy(Fields retry, RetryPolicy standard) {
        retry.refuseUnknown(FieldNames.RETRY, TaskReader::explainRetries);
        return new RetryPolicy(
                retry.wholeNumber("maxAttempts", 1, RetryPolicy.ATTEMPTS_LIMIT).orElse(standard.maxAttempts()),
                retry.duration("initialDelay", Duration.ZERO, RetryPolicy.DELAY_LIMIT)
                        .orElse(standard.initialDelay()),
                retry.duration("maxDelay", Duration.ZERO, RetryPolicy.DELAY_LIMIT)
                        .orElse(standard.maxDelay()),
                retry.number("backoffMultiplier", 1, RetryPolicy.MULTIPLIER_LIMIT)
                        .orElse(standard.backoffMultiplier()),
                retry.number("jitter", 0, 1).orElse(standard.jitter()),
                new RetryRules(rules(retry, "retryOn"), rules(retry, "giveUpOn")));
    }

    private static List<FailureRule> rules(Fields retry, String name) {
        var items = retry.items(name);
        if (items.size() > RetryRules.MAX) {
            retry.refuse(
                    name,
                    ProblemCode.OUT_OF_RANGE,
                    "there may be at most " + RetryRules.MAX + " kinds of failures, here are " + items.size(),
                    "name ranges, such as exit:1-9 or http:5xx");
            return List.of();
        }
        if (items.isEmpty() && retry.has(name) && retry.value(name).orElseThrow() instanceof YamlNode.Sequence) {
            retry.refuse(
                    name,
                    ProblemCode.INVALID_VALUE,
                    "'" + name + "' names no kind of failure",
                    "leave it out; 'maxAttempts: 1' never tries again");
        }
        return items.stream().flatMap(item -> rule(retry, name, item).stream()).toList();
    }

    private static Optional<FailureRule> rule(Fields retry, String name, Fields.Item item) {
        if (!(item.node() instanceof Scalar scalar) || CoreSchema.kindOf(scalar) != Kind.TEXT) {
            retry.refuseType(item.node(), item.path(), "an item of '" + name + "'", "a text");
            return Optional.empty();
        }
        var wrong = FailureRule.objection(scalar.text());
        wrong.ifPresent(why -> retry.problems()
                .add(
                        ProblemCode.INVALID_VALUE,
                        scalar.place(),
                        item.path(),
                        Quoted.of(scalar.text()) + " " + why,
                        FailureRule.help(Quoted.shortened(scalar.text(), 60))));
        return wrong.isEmpty() ? Optional.of(new FailureRule(scalar.text())) : Optional.empty();
    }

    private static Optional<String> explainRetries(String field) {
        if (field.equals("totalTimeout") || field.equals("timeout")) {
            return Optional.of("'" + field + "' is no field of retry: it stands beside it, in the task");
        }
        return field.equalsIgnoreCase("maxRetries") || field.equals("retries") || field.equals("max_retries")
                ? Optional.of("unknown field '" + field + "'; maxAttempts counts the first try too: retries + 1")
                : Optional.empty();
    }
}
