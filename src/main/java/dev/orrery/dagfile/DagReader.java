package dev.orrery.dagfile;

import dev.orrery.cron.CronText;
import dev.orrery.dagfile.YamlNode.Sequence;
import dev.orrery.domain.LockName;
import dev.orrery.domain.Nearest;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.task.Limit;
import dev.orrery.domain.task.Rate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Reads the whole of a DAG file: its own fields, then each task, then what the tasks are together. */
final class DagReader {

    private final Fields dag;
    private final Problems problems;

    private DagReader(Fields dag) {
        this.dag = dag;
        this.problems = dag.problems();
    }

    /** The draft; nothing where something is wrong, which is then noted. */
    static Optional<DagDraft> read(YamlNode root, Problems problems) {
        return Fields.of(root, "", "a DAG file", problems).flatMap(fields -> new DagReader(fields).read());
    }

    private Optional<DagDraft> read() {
        dag.refuseUnknown(FieldNames.DAG, _ -> Optional.empty());
        var name = dag.text("name", TextRule.NAME);
        var description = dag.text("description", TextRule.ANY);
        var schedule = schedule();
        var timezone = timezone();
        var lock = dag.text("lock", TextRule.LOCK).map(LockName::new);
        var maxRunning = dag.wholeNumber("maxRunningTasks", 1, Limit.MAX_RUNNING_MAX);
        var rate = dag.mapping("taskRate").flatMap(DagReader::rate);
        var tasks = tasks(lock);
        return problems.count() > 0
                ? Optional.empty()
                : Optional.of(new DagDraft(
                        name,
                        description,
                        tasks,
                        schedule,
                        timezone.orElse(DagDraft.DEFAULT_TIMEZONE),
                        lock,
                        new Limit(maxRunning.map(OptionalInt::of).orElse(OptionalInt.empty()), rate)));
    }

    private static Optional<Rate> rate(Fields fields) {
        fields.refuseUnknown(FieldNames.RATE, _ -> Optional.empty());
        fields.requirePresent("limit", "write how many tasks may begin, as 'limit: 100'");
        fields.requirePresent("per", "write in which time, as 'per: 1m'");
        var limit = fields.wholeNumber("limit", 1, Rate.LIMIT_MAX);
        var per = fields.duration("per", Rate.PER_MIN, Rate.PER_MAX);
        return limit.flatMap(count -> per.map(time -> new Rate(count, time)));
    }

    private Optional<String> schedule() {
        var schedule = dag.text("schedule", TextRule.ANY);
        if (schedule.isEmpty()) {
            return Optional.empty();
        }
        if (schedule.get().length() > DagDraft.MAX_SCHEDULE_LENGTH) {
            dag.refuse(
                    "schedule",
                    ProblemCode.BAD_CRON,
                    "'schedule' must have at most " + DagDraft.MAX_SCHEDULE_LENGTH + " characters, has "
                            + schedule.get().length(),
                    "shorten its lists to ranges and steps");
            return Optional.empty();
        }
        CronText.complaint(schedule.get())
                .ifPresent(complaint -> dag.refuse(
                        "schedule",
                        ProblemCode.BAD_CRON,
                        "'schedule' " + Quoted.of(schedule.get()) + " is no cron expression that we take: " + complaint,
                        "write it like '0 2 * * *' (every day at 02:00) or @daily"));
        return schedule;
    }

    private Optional<String> timezone() {
        var timezone = dag.text("timezone", TextRule.ANY);
        if (timezone.isPresent() && !ZoneId.getAvailableZoneIds().contains(timezone.get())) {
            problems.add(
                    ProblemCode.BAD_TIMEZONE,
                    dag.value("timezone").orElseThrow().place(),
                    "timezone",
                    "no time zone is called " + Quoted.of(timezone.get()),
                    () -> Nearest.to(
                                    timezone.get(),
                                    ZoneId.getAvailableZoneIds().stream()
                                            .sorted()
                                            .toList())
                            .map(zone -> "did you mean '" + zone + "'?")
                            .or(() -> Optional.of("write a name such as Europe/Berlin or UTC")));
        }
        return timezone;
    }

    private List<TaskDefinition> tasks(Optional<LockName> lock) {
        dag.requirePresent("tasks", "write a list of tasks under 'tasks:'");
        var node = dag.value("tasks");
        if (node.isEmpty()) {
            return List.of();
        }
        if (isEmpty(node.get())) {
            dag.refuse(
                    "tasks",
                    ProblemCode.NO_TASKS,
                    "a DAG needs at least one task",
                    "write one as '- id: …' under 'tasks:'");
            return List.of();
        }
        var items = dag.items("tasks");
        if (items.size() > DagDraft.MAX_TASKS) {
            dag.refuse(
                    "tasks",
                    ProblemCode.TOO_MANY_TASKS,
                    "a DAG may have at most " + DagDraft.MAX_TASKS + " tasks, this one has " + items.size(),
                    "split it, or give one task more to do");
        }
        return tasks(items, lock);
    }

    private static boolean isEmpty(YamlNode tasks) {
        return switch (tasks) {
            case Sequence sequence -> sequence.items().isEmpty();
            case YamlNode.Scalar scalar -> CoreSchema.kindOf(scalar) == CoreSchema.Kind.NULL;
            default -> false;
        };
    }

    private List<TaskDefinition> tasks(List<Fields.Item> items, Optional<LockName> lock) {
        var definitions = new ArrayList<TaskDefinition>();
        var graph = new GraphCheck(problems);
        for (var item : items) {
            Fields.of(item.node(), item.path(), "a task", problems).ifPresent(fields -> {
                var reader = new TaskReader(fields);
                reader.read(lock).ifPresent(definitions::add);
                graph.add(reader.id(), reader.dependencies());
            });
        }
        graph.check(dag.value("tasks").orElseThrow().place());
        return definitions;
    }
}
