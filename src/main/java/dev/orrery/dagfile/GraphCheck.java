package dev.orrery.dagfile;

import dev.orrery.dagfile.YamlNode.Place;
import dev.orrery.domain.Nearest;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.dag.DagDraft;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Looks at all tasks together: ids that stand twice, dependencies on nothing, on oneself or stated twice, too many of
 * them, and cycles. It takes tasks as they come, also those of which other fields are wrong.
 */
final class GraphCheck {

    /** A place that names a task. */
    record Reference(String id, Place place, String path) {}

    private record Task(int number, List<Reference> dependencies) {}

    private static final String OF_FILE = "dependencies name the ids of other tasks in this file";

    private final Problems problems;
    private final String whatTheyName;
    private final Map<String, Integer> numbers = new HashMap<>();
    private final Map<String, Place> places = new HashMap<>();
    private final List<String> ids = new ArrayList<>();
    private final List<Task> tasks = new ArrayList<>();

    /** Of the tasks of a DAG. */
    GraphCheck(Problems problems) {
        this(problems, OF_FILE);
    }

    /** Of other tasks; {@code whatTheyName} says what a dependency can be. */
    GraphCheck(Problems problems, String whatTheyName) {
        this.problems = problems;
        this.whatTheyName = whatTheyName;
    }

    /** A task without an id, or with one that already stands above, still has its dependencies looked at. */
    void add(Optional<Reference> id, List<Reference> dependencies) {
        var number = tasks.size();
        ids.add(id.map(Reference::id).orElse(""));
        tasks.add(new Task(number, dependencies));
        if (id.isEmpty()) {
            return;
        }
        var first = places.putIfAbsent(id.get().id(), id.get().place());
        if (first == null) {
            numbers.put(id.get().id(), number);
        } else {
            problems.add(
                    ProblemCode.DUPLICATE_ID,
                    id.get().place(),
                    id.get().path(),
                    "the id " + Quoted.of(id.get().id()) + " already stands in line " + first.line(),
                    "give one of the two tasks another id");
        }
    }

    /** The tasks of a DAG, whose list begins at this place. */
    void check(Place tasksPlace) {
        var count = tasks.stream().mapToInt(task -> task.dependencies().size()).sum();
        if (count > DagDraft.MAX_EDGES) {
            problems.add(
                    ProblemCode.TOO_MANY_DEPENDENCIES,
                    tasksPlace,
                    "tasks",
                    "a DAG may have at most " + DagDraft.MAX_EDGES + " dependencies in all, this one has " + count,
                    "put tasks between that gather what many others wait for");
        }
        check();
    }

    /** Tasks, however many dependencies they have. */
    void check() {
        var edges = new ArrayList<List<Edge>>();
        for (var task : tasks) {
            edges.add(edges(task));
        }
        new CycleSearch(ids, edges, problems).run();
    }

    /** A dependency whose both ends exist. */
    record Edge(int upstream, int downstream, Reference stated) {}

    private List<Edge> edges(Task task) {
        var edges = new ArrayList<Edge>();
        var stated = new HashSet<String>();
        for (var dependency : task.dependencies()) {
            var upstream = numbers.get(dependency.id());
            if (!stated.add(dependency.id())) {
                refuse(
                        ProblemCode.DUPLICATE_DEPENDENCY,
                        dependency,
                        "the dependency %s stands twice",
                        "remove one of the two");
            } else if (dependency.id().equals(ids.get(task.number()))) {
                refuse(
                        ProblemCode.SELF_DEPENDENCY,
                        dependency,
                        "the task %s depends on itself",
                        "remove this dependency");
            } else if (upstream == null) {
                refuseUnknown(dependency);
            } else {
                edges.add(new Edge(upstream, task.number(), dependency));
            }
        }
        return edges;
    }

    private void refuse(ProblemCode code, Reference dependency, String message, String help) {
        problems.add(
                code, dependency.place(), dependency.path(), String.format(message, Quoted.of(dependency.id())), help);
    }

    private void refuseUnknown(Reference dependency) {
        problems.add(
                ProblemCode.UNKNOWN_DEPENDENCY,
                dependency.place(),
                dependency.path(),
                "no task has the id " + Quoted.of(dependency.id()),
                () -> Nearest.to(
                                dependency.id(),
                                numbers.keySet().stream().sorted().toList())
                        .map(nearest -> "did you mean '" + nearest + "'?")
                        .or(() -> Optional.of(whatTheyName)));
    }
}
