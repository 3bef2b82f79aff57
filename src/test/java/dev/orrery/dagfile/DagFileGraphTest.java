package dev.orrery.dagfile;

import static dev.orrery.dagfile.DagFiles.problems;
import static dev.orrery.dagfile.DagFiles.valid;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Problem;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Dependencies of a file: cycles and how many there may be. */
class DagFileGraphTest {

    @Test
    void cyclesThatShareNoEdgeAreEachSpelledOut() {
        var problems = problems("""
                tasks:
                  - {id: start, type: handler, handler: noop}
                  - {id: a, type: handler, handler: noop, dependencies: [b, start]}
                  - {id: b, type: handler, handler: noop, dependencies: [a, c]}
                  - {id: c, type: handler, handler: noop, dependencies: [b]}
                  - {id: behind, type: handler, handler: noop, dependencies: [c]}
                """);

        assertThat(problems)
                .extracting(Problem::message)
                .containsExactlyInAnyOrder(
                        "the dependencies form a cycle: a -> b -> a", "the dependencies form a cycle: b -> c -> b");
    }

    @Test
    void aCycleBeginsWithItsFirstTaskInTheFileAlsoWhereOthersWaitBehindIt() {
        var problems = problems("""
                tasks:
                  - {id: behind, type: handler, handler: noop, dependencies: [c]}
                  - {id: a, type: handler, handler: noop, dependencies: [c]}
                  - {id: b, type: handler, handler: noop, dependencies: [a]}
                  - {id: c, type: handler, handler: noop, dependencies: [b]}
                """);

        assertThat(problems)
                .extracting(Problem::message)
                .containsExactly("the dependencies form a cycle: a -> b -> c -> a");
    }

    @Test
    void aLongCycleIsSpelledOutInPart() {
        var problems = problems(ring(10_000));

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().message())
                .startsWith("the dependencies form a cycle: t0 -> t1 -> ")
                .contains(" more -> ")
                .endsWith(" -> t9999 -> t0")
                .hasSizeLessThan(500);
    }

    @Test
    void aChainOfTenThousandTasksIsLegal() {
        assertThat(valid(chain(10_000)).tasks()).hasSize(10_000);
    }

    @Test
    void moreTasksAreTooMany() {
        assertThat(problems(chain(10_001))).extracting(Problem::code).containsExactly("TOO_MANY_TASKS");
    }

    @Test
    void aTaskMayWaitForAThousandOthers() {
        assertThat(valid(join(1_000)).tasks()).hasSize(1_001);
        assertThat(problems(join(1_001))).extracting(Problem::code).containsExactly("TOO_MANY_DEPENDENCIES");
    }

    @Test
    void fiftyThousandEdgesAreLegalAndMoreAreNot() {
        assertThat(valid(layers(1_050, 50)).tasks()).hasSize(1_050);
        var problems = problems(layers(1_052, 50));
        assertThat(problems).extracting(Problem::code).containsExactly("TOO_MANY_DEPENDENCIES");
        assertThat(problems.getFirst().path()).isEqualTo("tasks");
    }

    private static String chain(int tasks) {
        return lines(tasks, n -> n == 0 ? "" : "t" + (n - 1));
    }

    private static String ring(int tasks) {
        return lines(tasks, n -> "t" + (n + tasks - 1) % tasks);
    }

    private static String join(int tasks) {
        return lines(
                tasks + 1,
                n -> n < tasks
                        ? ""
                        : IntStream.range(0, tasks).mapToObj(m -> "t" + m).collect(joining(",")));
    }

    private static String layers(int tasks, int width) {
        return lines(
                tasks,
                n -> n < width
                        ? ""
                        : IntStream.range(n / width * width - width, n / width * width)
                                .mapToObj(m -> "t" + m)
                                .collect(joining(",")));
    }

    private static String lines(int tasks, IntFunction<String> dependencies) {
        return IntStream.range(0, tasks)
                .mapToObj(n -> "- {id: t" + n + ", type: handler, handler: noop, dependencies: ["
                        + dependencies.apply(n) + "]}\n")
                .collect(joining("", "tasks:\n", ""));
    }
}
