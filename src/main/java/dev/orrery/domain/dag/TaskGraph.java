package dev.orrery.domain.dag;

import static dev.orrery.domain.Checks.require;

import dev.orrery.domain.TaskId;
import dev.orrery.domain.task.Urgency;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

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
     * The numbers in an order in which each task comes after its dependencies; the order of the file breaks ties.
     * Throws IllegalArgumentException where there is a cycle. (A. B. Kahn, Topological sorting of large networks, 1962.)
     */
    public int[] order() {
        var unmet = new int[tasks.size()];
        Arrays.setAll(unmet, n -> upstreams[n].length);
        var free = new PriorityQueue<Integer>();
        for (var n = 0; n < unmet.length; n++) {
            if (unmet[n] == 0) {
                free.add(n);
            }
        }
        var order = new int[tasks.size()];
        var placed = 0;
        while (!free.isEmpty()) {
            var next = free.remove();
            order[placed++] = next;
            for (var downstream : downstreams[next]) {
                if (--unmet[downstream] == 0) {
                    free.add(downstream);
                }
            }
        }
        require(placed == order.length, "the dependencies form a cycle");
        return order;
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
