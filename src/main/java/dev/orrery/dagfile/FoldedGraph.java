package dev.orrery.dagfile;

import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * A graph in which tasks that are alike are one node: same type, same upstreams, same downstreams, and at least
 * {@link #MIN_FOLDED} of them. Folding makes no cycle, since nothing can lie between two tasks that are alike. Nodes are in
 * topological order.
 */
record FoldedGraph(List<Node> nodes) {

    static final int MIN_FOLDED = 4;

    /**
     * @param downstreams the nodes that wait for it, by their place in the list
     * @param level the number of nodes on the longest way to it
     */
    record Node(List<TaskDefinition> tasks, List<Integer> downstreams, int level) {

        TaskDefinition first() {
            return tasks.getFirst();
        }
    }

    private record Likeness(String type, List<Integer> upstreams, List<Integer> downstreams) {}

    static FoldedGraph of(List<TaskDefinition> tasks) {
        var graph = TaskGraph.of(tasks);
        var groups = groups(tasks, graph);
        var groupOf = new int[tasks.size()];
        Arrays.fill(groupOf, -1);
        for (var group = 0; group < groups.size(); group++) {
            for (var number : groups.get(group)) {
                groupOf[number] = group;
            }
        }
        return arranged(tasks, graph, groups, groupOf);
    }

    private static List<List<Integer>> groups(List<TaskDefinition> tasks, TaskGraph graph) {
        var alike = new LinkedHashMap<Likeness, List<Integer>>();
        for (var number = 0; number < tasks.size(); number++) {
            var type = tasks.get(number).type().wireName();
            var likeness = new Likeness(type, sorted(graph.upstreams(number)), sorted(graph.downstreams(number)));
            alike.computeIfAbsent(likeness, _ -> new ArrayList<>()).add(number);
        }
        var groups = new ArrayList<List<Integer>>();
        for (var members : alike.values()) {
            if (members.size() >= MIN_FOLDED) {
                groups.add(members);
            } else {
                members.forEach(number -> groups.add(List.of(number)));
            }
        }
        return groups;
    }

    private static List<Integer> sorted(int[] numbers) {
        return IntStream.of(numbers).sorted().boxed().toList();
    }

    /** Puts the groups into the order of their first tasks, which is a topological one. */
    private static FoldedGraph arranged(
            List<TaskDefinition> tasks, TaskGraph graph, List<List<Integer>> groups, int[] groupOf) {
        var placeOf = new int[groups.size()];
        Arrays.fill(placeOf, -1);
        var order = new ArrayList<Integer>();
        for (var number : graph.order()) {
            if (placeOf[groupOf[number]] < 0) {
                placeOf[groupOf[number]] = order.size();
                order.add(groupOf[number]);
            }
        }
        var levels = new int[groups.size()];
        var nodes = new ArrayList<Node>();
        for (var group : order) {
            var place = nodes.size();
            var downstreams = new TreeSet<Integer>();
            for (var downstream : graph.downstreams(groups.get(group).getFirst())) {
                downstreams.add(placeOf[groupOf[downstream]]);
            }
            downstreams.forEach(next -> levels[next] = Math.max(levels[next], levels[place] + 1));
            nodes.add(new Node(
                    groups.get(group).stream().map(tasks::get).toList(), List.copyOf(downstreams), levels[place] + 1));
        }
        return new FoldedGraph(nodes);
    }
}
