package dev.orrery.domain.dag;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.orrery.domain.TaskId;
import dev.orrery.domain.task.Urgency;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TaskGraphTest {

    private static final Duration LIMIT = Duration.ofSeconds(20);

    @Test
    void edgesAreKnownFromBothEnds() {
        var graph = TaskGraph.of(Graphs.tasks("a", "b <- a", "c <- a b", "d"));

        assertThat(graph.upstreams(2)).containsExactly(0, 1);
        assertThat(graph.downstreams(0)).containsExactly(1, 2);
        assertThat(graph.downstreamCount(0)).isEqualTo(2);
        assertThat(graph.downstreamCount(3)).isZero();
    }

    @Test
    void whatIsHandedOutIsACopy() {
        var graph = TaskGraph.of(Graphs.tasks("a", "b <- a"));

        graph.upstreams(1)[0] = 7;
        graph.downstreams(0)[0] = 7;

        assertThat(graph.upstreams(1)).containsExactly(0);
        assertThat(graph.downstreams(0)).containsExactly(1);
    }

    @Test
    void theOrderOfTheFileBreaksTies() {
        assertThat(order("a", "b", "c")).containsExactly(0, 1, 2);
        assertThat(order("c <- a", "a", "b")).containsExactly(1, 2, 0);
        assertThat(order("a", "d <- c", "b <- a", "c <- a")).containsExactly(0, 2, 3, 1);
        assertThat(order("d <- b c", "c <- a", "b <- a", "a")).containsExactly(3, 1, 2, 0);
    }

    @Test
    void idsThatRepeatDependenciesOnNothingAndCyclesAreRefused() {
        assertThatThrownBy(() -> TaskGraph.of(Graphs.tasks("a", "a")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("task id a stands twice");
        assertThatThrownBy(() -> TaskGraph.of(Graphs.tasks("a <- b")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("task a depends on unknown b");
        assertThatThrownBy(() -> order("a <- c", "b <- a", "c <- b", "d"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the dependencies form a cycle");
    }

    @Test
    void theOrderIsThatOfReadingTheFileAgainAndAgain() {
        Seeded.forAll(random -> {
            var tasks = randomTasks(random, random.nextInt(1, 40));

            assertThat(TaskGraph.of(tasks).order()).containsExactly(naiveOrder(tasks));
        });
    }

    /** Again and again the first task of the file that is not placed and whose dependencies are, then on from there. */
    private static int[] naiveOrder(List<TaskDefinition> tasks) {
        var placed = new LinkedHashSet<TaskId>();
        var order = new ArrayList<Integer>();
        while (order.size() < tasks.size()) {
            for (var n = 0; n < tasks.size(); n++) {
                var task = tasks.get(n);
                if (!placed.contains(task.id()) && placed.containsAll(task.dependencies())) {
                    placed.add(task.id());
                    order.add(n);
                }
            }
        }
        return order.stream().mapToInt(Integer::intValue).toArray();
    }

    @Test
    void aFileInWhichDependenciesStandFirstKeepsItsOrder() {
        Seeded.forAll(random -> {
            var shuffled = randomTasks(random, random.nextInt(1, 40));
            var order = TaskGraph.of(shuffled).order();
            var sorted = Arrays.stream(order).mapToObj(shuffled::get).toList();

            assertThat(TaskGraph.of(sorted).order()).isSorted();
        });
    }

    @Test
    void layersStayTogetherInWhateverOrderTheyAreWritten() {
        var layers = 100;
        var width = 50;
        var upwards = tasks(
                layers * width,
                n -> n < width
                        ? Set.of()
                        : new LinkedHashSet<>(List.of("t" + (n - width), "t" + (n / width * width - 1))));
        var backwards = upwards.reversed();

        assertThat(TaskGraph.of(upwards).order()).isSorted();
        var order = TaskGraph.of(backwards).order();
        for (var place = 0; place < order.length; place++) {
            assertThat(order[place] / width).isEqualTo(layers - 1 - place / width);
        }
    }

    @Test
    void aTaskIsAsUrgentAsTheMostUrgentOneBehindIt() {
        var tasks = List.of(
                task("a", Set.of(), 1),
                task("b", Set.of("a"), 3),
                task("c", Set.of("b"), 9),
                task("d", Set.of("a"), 0));

        assertThat(TaskGraph.of(tasks).urgencies())
                .extracting(Urgency::priority)
                .containsExactly(9.0, 9.0, 9.0, 0.0);
    }

    @Test
    void urgenciesAreThoseThatAWalkDownwardFinds() {
        Seeded.forAll(random -> {
            var tasks = randomTasks(random, random.nextInt(1, 25));

            assertThat(TaskGraph.of(tasks).urgencies())
                    .extracting(Urgency::priority)
                    .containsExactlyElementsOf(naivePriorities(tasks));
        });
    }

    /** Raises until nothing changes. */
    private static List<Double> naivePriorities(List<TaskDefinition> tasks) {
        Map<TaskId, Double> priorities = new HashMap<>();
        tasks.forEach(task -> priorities.put(task.id(), (double) task.priority()));
        for (var changed = true; changed; ) {
            changed = false;
            for (var task : tasks) {
                for (var upstream : task.dependencies()) {
                    var raised = Math.max(priorities.get(upstream), priorities.get(task.id()));
                    changed |= priorities.put(upstream, raised) != raised;
                }
            }
        }
        return tasks.stream().map(task -> priorities.get(task.id())).toList();
    }

    @Test
    void aLongChainAndManyEdgesTakeNoTimeAndNoStack() {
        var chain = tasks(10_000, n -> n == 0 ? Set.of() : Set.of("t" + (n - 1)));
        var backwards = tasks(10_000, n -> n == 9_999 ? Set.of() : Set.of("t" + (n + 1)));
        var edges = tasks(
                1_050,
                n -> n < 50
                        ? Set.of()
                        : new LinkedHashSet<>(IntStream.range(n / 50 * 50 - 50, n / 50 * 50)
                                .mapToObj(m -> "t" + m)
                                .toList()));

        assertTimeoutPreemptively(LIMIT, () -> {
            assertThat(TaskGraph.of(chain).order()).isSorted().hasSize(10_000);
            assertThat(TaskGraph.of(backwards).order()[0]).isEqualTo(9_999);
            assertThat(TaskGraph.of(edges).urgencies()).hasSize(1_050);
        });
    }

    private static int[] order(String... lines) {
        return TaskGraph.of(Graphs.tasks(lines)).order();
    }

    private static List<TaskDefinition> tasks(int count, IntFunction<Set<String>> upstreams) {
        return IntStream.range(0, count)
                .mapToObj(n -> task("t" + n, upstreams.apply(n), 5))
                .toList();
    }

    /** Tasks in any order of the file, each waiting for some of those that were drawn before it. */
    private static List<TaskDefinition> randomTasks(RandomGenerator random, int count) {
        var share = random.nextDouble();
        var tasks = new ArrayList<TaskDefinition>();
        for (var n = 0; n < count; n++) {
            var upstreams = new LinkedHashSet<String>();
            tasks.stream()
                    .filter(_ -> random.nextDouble() < share)
                    .forEach(task -> upstreams.add(task.id().value()));
            tasks.add(task("t" + n, upstreams, random.nextInt(11)));
        }
        Collections.shuffle(tasks, new Random(random.nextLong()));
        return tasks;
    }

    private static TaskDefinition task(String id, Set<String> upstreams, int priority) {
        var ids = new LinkedHashSet<TaskId>();
        upstreams.forEach(upstream -> ids.add(new TaskId(upstream)));
        return Graphs.task(id, ids, priority);
    }
}
