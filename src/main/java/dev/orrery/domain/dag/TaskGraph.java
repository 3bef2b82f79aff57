package dev.orrery.domain.dag;

import static dev.orrery.domain.Checks.require;

import dev.orrery.domain.TaskId;
import dev.orrery.domain.task.Urgency;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The edges between the tasks of a DAG, by number: a task's place in the file, from 0 on here.
 *
 * <p>All walks are loops, not recursions, since a chain of 10,000 tasks is legal.
 */
public final class TaskGraph {

    private static final int UNKNOWN = -1;

    private final List<TaskDefinition> tasks;
    private final int[][] upstreams;
    private final int[][] downstreams;

    private TaskGraph(List<TaskDefinition> tasks, int[][] upstreams, int[][] downstreams) {
        this.tasks = tasks;
        this.upstreams = upstreams;
        this.downstreams = downstreams;
    }

    /** Throws IllegalArgumentException where an id repeats or a dependency is no task. */
    public static TaskGraph of(List<TaskDefinition> tasks) {
        var numbers = numbers(tasks);
        var upstreams = new int[tasks.size()][];
        var outDegrees = new int[tasks.size()];
        for (var n = 0; n < tasks.size(); n++) {
            upstreams[n] = upstreams(tasks.get(n), numbers);
            for (var upstream : upstreams[n]) {
                outDegrees[upstream]++;
            }
        }
        var downstreams = new int[tasks.size()][];
        Arrays.setAll(downstreams, n -> new int[outDegrees[n]]);
        for (var n = tasks.size() - 1; n >= 0; n--) {
            for (var upstream : upstreams[n]) {
                downstreams[upstream][--outDegrees[upstream]] = n;
            }
        }
        return new TaskGraph(tasks, upstreams, downstreams);
    }

    private static Map<TaskId, Integer> numbers(List<TaskDefinition> tasks) {
        var numbers = new HashMap<TaskId, Integer>();
        for (var task : tasks) {
            require(numbers.put(task.id(), numbers.size()) == null, "task id " + task.id() + " stands twice");
        }
        return numbers;
    }

    private static int[] upstreams(TaskDefinition task, Map<TaskId, Integer> numbers) {
        return task.dependencies().stream()
                .mapToInt(id -> {
                    int number = numbers.getOrDefault(id, UNKNOWN);
                    require(number != UNKNOWN, "task " + task.id() + " depends on unknown " + id);
                    return number;
                })
                .toArray();
    }

    public int[] upstreams(int number) {
        return upstreams[number].clone();
    }

    public int[] downstreams(int number) {
        return downstreams[number].clone();
    }

    public int downstreamCount(int number) {
        return downstreams[number].length;
    }

    /**
     * The numbers in an order in which each task comes after its dependencies, as somebody finds who reads the file
     * from top to bottom, again and again, and at each reading places every task whose dependencies are all placed. So a file
     * in which dependencies stand first keeps its order, and among tasks of one reading the order of the file decides.
     *
     * <p>Takes time linear in tasks and edges: the readings are counted by A. B. Kahn's algorithm (Topological sorting of large
     * networks, 1962), then the tasks are sorted into them by counting. Throws IllegalArgumentException where there is a cycle.
     */
    public int[] order() {
        var readings = readings();
        var begins = new int[tasks.size() + 1];
        for (var reading : readings) {
            begins[reading + 1]++;
        }
        for (var reading = 0; reading < tasks.size(); reading++) {
            begins[reading + 1] += begins[reading];
        }
        var order = new int[tasks.size()];
        for (var n = 0; n < order.length; n++) {
            order[begins[readings[n]]++] = n;
        }
        return order;
    }

    /** By number: how many readings of the file pass before the one that places the task. */
    private int[] readings() {
        var readings = new int[tasks.size()];
        var unmet = new int[tasks.size()];
        var free = new int[tasks.size()];
        var found = 0;
        for (var n = 0; n < unmet.length; n++) {
            unmet[n] = upstreams[n].length;
            if (unmet[n] == 0) {
                free[found++] = n;
            }
        }
        for (var done = 0; done < found; done++) {
            var upstream = free[done];
            for (var downstream : downstreams[upstream]) {
                var next = downstream < upstream ? readings[upstream] + 1 : readings[upstream];
                readings[downstream] = Math.max(readings[downstream], next);
                if (--unmet[downstream] == 0) {
                    free[found++] = downstream;
                }
            }
        }
        require(found == free.length, "the dependencies form a cycle");
        return readings;
    }

    /** How pressing each task is, by number: its own priority, or that of the most pressing task behind it. */
    public List<Urgency> urgencies() {
        var urgencies = new Urgency[tasks.size()];
        var order = order();
        for (var place = order.length - 1; place >= 0; place--) {
            var number = order[place];
            var urgency = Urgency.ofPriority(tasks.get(number).priority());
            for (var downstream : downstreams[number]) {
                urgency = urgency.orMore(urgencies[downstream]);
            }
            urgencies[number] = urgency;
        }
        return new ArrayList<>(Arrays.asList(urgencies));
    }
}
