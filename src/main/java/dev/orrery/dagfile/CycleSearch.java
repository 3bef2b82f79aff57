package dev.orrery.dagfile;

import dev.orrery.dagfile.GraphCheck.Edge;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Finds cycles that share no edge, and spells each out in the direction of time: {@code a -> b -> c -> a} says that b waits
 * for a.
 *
 * <p>What is left over after taking away all that is on no cycle's path from the front (Kahn's algorithm) has a cycle
 * behind every task: walking upstream must come by a task twice. The edges of what was found are taken away, and the
 * search goes on, up to {@link #MAX_CYCLES}. All walks are loops, since a cycle may be as long as a DAG.
 */
final class CycleSearch {

    static final int MAX_CYCLES = 20;
    private static final int MAX_SPELLED_OUT = 20;
    private static final int UNSEEN = -1;

    private final List<String> ids;
    private final List<List<Edge>> upstreams;
    private final Problems problems;
    private final Set<Edge> removed = Collections.newSetFromMap(new IdentityHashMap<>());

    CycleSearch(List<String> ids, List<List<Edge>> upstreams, Problems problems) {
        this.ids = ids;
        this.upstreams = upstreams;
        this.problems = problems;
    }

    void run() {
        for (var found = 0; found < MAX_CYCLES; found++) {
            var unmet = unmetAfterOrdering();
            var start = firstWithout(unmet);
            if (start == UNSEEN) {
                return;
            }
            var cycle = cycleUpstreamOf(start, unmet);
            report(cycle);
            removed.addAll(cycle);
        }
    }

    /** How many dependencies of each task lie on a cycle or behind one. */
    private int[] unmetAfterOrdering() {
        var unmet = new int[upstreams.size()];
        var downstreams = new ArrayList<List<Integer>>();
        upstreams.forEach(_ -> downstreams.add(new ArrayList<>()));
        for (var edges : upstreams) {
            for (var edge : edges) {
                if (!removed.contains(edge)) {
                    unmet[edge.downstream()]++;
                    downstreams.get(edge.upstream()).add(edge.downstream());
                }
            }
        }
        var free = new ArrayDeque<Integer>();
        for (var n = 0; n < unmet.length; n++) {
            if (unmet[n] == 0) {
                free.add(n);
            }
        }
        while (!free.isEmpty()) {
            for (var downstream : downstreams.get(free.remove())) {
                if (--unmet[downstream] == 0) {
                    free.add(downstream);
                }
            }
        }
        return unmet;
    }

    private static int firstWithout(int[] unmet) {
        for (var n = 0; n < unmet.length; n++) {
            if (unmet[n] > 0) {
                return n;
            }
        }
        return UNSEEN;
    }

    /** Walks upstream until a task comes again; the edges between its two visits, in the direction of time. */
    private List<Edge> cycleUpstreamOf(int start, int[] unmet) {
        var seenAt = new int[unmet.length];
        Arrays.fill(seenAt, UNSEEN);
        var walk = new ArrayList<Edge>();
        var task = start;
        while (seenAt[task] == UNSEEN) {
            seenAt[task] = walk.size();
            var edge = blocking(task, unmet);
            walk.add(edge);
            task = edge.upstream();
        }
        return startingWithTheFirst(
                new ArrayList<>(walk.subList(seenAt[task], walk.size()).reversed()));
    }

    private Edge blocking(int task, int[] unmet) {
        return upstreams.get(task).stream()
                .filter(edge -> !removed.contains(edge) && unmet[edge.upstream()] > 0)
                .findFirst()
                .orElseThrow();
    }

    /** Turned so that it begins with the task that stands first in the file. */
    private static List<Edge> startingWithTheFirst(List<Edge> cycle) {
        var first = 0;
        for (var n = 1; n < cycle.size(); n++) {
            if (cycle.get(n).upstream() < cycle.get(first).upstream()) {
                first = n;
            }
        }
        Collections.rotate(cycle, -first);
        return cycle;
    }

    private void report(List<Edge> cycle) {
        var closing = cycle.getLast();
        var first = Quoted.shortened(ids.get(cycle.getFirst().upstream()), 60);
        var spelledOut = new StringBuilder(first);
        var omitted = Math.max(0, cycle.size() - MAX_SPELLED_OUT);
        for (var n = 0; n < cycle.size(); n++) {
            if (n < MAX_SPELLED_OUT / 2 || n >= MAX_SPELLED_OUT / 2 + omitted) {
                spelledOut
                        .append(" -> ")
                        .append(Quoted.shortened(ids.get(cycle.get(n).downstream()), 60));
            } else if (n == MAX_SPELLED_OUT / 2) {
                spelledOut.append(" -> … ").append(omitted).append(" more");
            }
        }
        problems.add(
                ProblemCode.CYCLE,
                closing.stated().place(),
                closing.stated().path(),
                "the dependencies form a cycle: " + spelledOut,
                "each waits for the one before it; remove one of these dependencies");
    }
}
