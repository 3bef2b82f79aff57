package dev.orrery.dagfile;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.dag.DagDraft;
import dev.orrery.testing.Seeded;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DagDrawingTest {

    private static final String REPORT = """
            name: report
            tasks:
              - {id: generate, type: shell, command: x}
              - {id: by-hour, type: python, code: x, dependencies: [generate]}
              - {id: by-status, type: python, code: x, dependencies: [generate], name: Count by status}
              - {id: lone, type: python, code: x}
              - {id: join, type: python, code: x, dependencies: [by-hour, by-status]}
              - {id: w1, type: http, url: 'http://x', dependencies: [join]}
              - {id: w2, type: http, url: 'http://x', dependencies: [join]}
              - {id: w3, type: http, url: 'http://x', dependencies: [join]}
              - {id: w4, type: http, url: 'http://x', dependencies: [join]}
              - {id: end, type: handler, handler: noop, dependencies: [w1, w2, w3, w4, generate]}
            """;

    @Test
    void linesLeadFromEachTaskToThoseThatWaitForIt() {
        var drawing = DagDrawing.text(draft(REPORT));

        assertThat(drawing).isEqualTo("""
                        report: 10 tasks, 13 dependencies, longest path 5

                        ●      generate   shell
                        ├─┬─╮
                        ● │ │  by-hour    python
                        │ │ │
                        │ ● │  by-status  python  'Count by status'
                        ├─╯ │
                        │ ● │  lone       python
                        ●   │  join       python
                        │   │
                        ●   │  w1 … w4    http × 4
                        ╰───┤
                            ●  end        handler
                        """);
    }

    @Test
    void linesThatOnlyCrossDoNotTouch() {
        var drawing = DagDrawing.text(draft("""
                tasks:
                  - {id: a, type: handler, handler: noop}
                  - {id: b, type: handler, handler: noop}
                  - {id: c, type: shell, command: x, dependencies: [a]}
                  - {id: d, type: python, code: x, dependencies: [a, b]}
                  - {id: e, type: handler, handler: noop, dependencies: [c, b]}
                """));

        assertThat(drawing).isEqualTo("""
                        5 tasks, 5 dependencies, longest path 3

                        ●      a  handler
                        ├─╮
                        │ │ ●  b  handler
                        │ ├─┤
                        ● │ │  c  shell
                        ╰─│─┤
                          ● │  d  python
                            ●  e  handler
                        """);
    }

    @Test
    void aFanOutIsFolded() {
        var tasks = IntStream.range(0, 100)
                .mapToObj(n -> "- {id: part-" + n + ", type: handler, handler: noop, dependencies: [a]}\n")
                .collect(joining());

        var drawing = DagDrawing.text(draft("tasks:\n- {id: a, type: shell, command: x}\n" + tasks));

        assertThat(drawing).endsWith("●  a                 shell\n│\n●  part-0 … part-99  handler × 100\n");
    }

    @Test
    void moreBranchesThanATerminalHoldsAreListedByLevel() {
        var tasks = IntStream.range(0, 120)
                .mapToObj(n -> "- {id: t" + n + ", type: handler, handler: noop"
                        + (n < 60 ? "}\n" : ", dependencies: [t" + (n - 60) + "]}\n"))
                .collect(joining());

        var drawing = DagDrawing.text(draft("tasks:\n" + tasks));

        assertThat(drawing)
                .contains("too many branches")
                .contains("\n    1  t59   handler\n    2  t60   handler\n")
                .endsWith("\n    2  t119  handler\n");
    }

    @Test
    void everyTaskIsDrawnOnceAndAfterAllThatItWaitsFor() {
        Seeded.forAll(random -> {
            var draft = draft(RandomYaml.yaml(random, 30));

            var drawn = DagDrawing.text(draft).lines().toList();

            for (var task : draft.tasks()) {
                var line = lineOf(drawn, task.id().value());
                if (line >= 0) {
                    assertThat(task.dependencies())
                            .allSatisfy(dependency -> assertThat(lineOf(drawn, dependency.value()))
                                    .isLessThan(line));
                }
            }
        });
    }

    private static int lineOf(List<String> drawn, String id) {
        var line = -1;
        for (var n = 2; n < drawn.size(); n++) {
            if (drawn.get(n).matches(".*  " + id + "(?: … t\\d+)? +(?:shell|http|python|handler).*")) {
                assertThat(line).as("drawn twice: " + id).isEqualTo(-1);
                line = n;
            }
        }
        return line;
    }

    @Test
    void aFlowchartHasEveryTaskAndEveryDependency() {
        var chart = DagDrawing.mermaid(draft("""
                tasks:
                  - {id: end, type: shell, command: x, name: 'say "hi"; <b>'}
                  - {id: b, type: http, url: 'http://x', dependencies: [end]}
                  - {id: c, type: python, code: x, dependencies: [end, b]}
                  - {id: d, type: handler, handler: noop}
                """));

        assertThat(chart).isEqualTo("""
                        flowchart TD
                            t1["end<br/>say #34;hi#34;#59; #60;b#62;"]
                            t2(["b"])
                            t3[["c"]]
                            t4{{"d"}}
                            t1 --> t2
                            t1 --> t3
                            t2 --> t3
                        """);
    }

    private static DagDraft draft(String yaml) {
        return DagFileParser.parse(yaml).orThrow();
    }
}
