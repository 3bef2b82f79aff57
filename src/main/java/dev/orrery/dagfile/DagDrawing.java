package dev.orrery.dagfile;

import static java.util.stream.Collectors.joining;

import dev.orrery.domain.Quoted;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskGraph;
import java.util.List;

/** Draws a DAG: with lines for a terminal, or as a flowchart of Mermaid, which many web pages show as a picture. */
public final class DagDrawing {

    private static final int LABEL_LENGTH = 60;

    private DagDrawing() {}

    /**
     * Time runs downward, and a line leads from each task to those that wait for it. Tasks of one type that wait for the same
     * tasks and are waited for by the same ones are drawn as one from four on.
     */
    public static String text(DagDraft dag) {
        return heading(dag) + "\n" + LaneDrawing.of(FoldedGraph.of(dag.tasks())).text();
    }

    private static String heading(DagDraft dag) {
        var edges = dag.tasks().stream()
                .mapToInt(task -> task.dependencies().size())
                .sum();
        var tasks = dag.tasks().size();
        return dag.name()
                        .map(name -> Quoted.shortened(name, LABEL_LENGTH) + ": ")
                        .orElse("")
                + tasks + (tasks == 1 ? " task, " : " tasks, ")
                + edges + (edges == 1 ? " dependency, " : " dependencies, ")
                + "longest path " + longestPath(dag.tasks()) + "\n";
    }

    private static int longestPath(List<TaskDefinition> tasks) {
        var graph = TaskGraph.of(tasks);
        var lengths = new int[tasks.size()];
        var longest = 0;
        for (var number : graph.order()) {
            lengths[number]++;
            longest = Math.max(longest, lengths[number]);
            for (var downstream : graph.downstreams(number)) {
                lengths[downstream] = Math.max(lengths[downstream], lengths[number]);
            }
        }
        return longest;
    }

    /** The text of a Mermaid flowchart; every task and every dependency stands in it. */
    public static String mermaid(DagDraft dag) {
        var graph = TaskGraph.of(dag.tasks());
        var text = new StringBuilder("flowchart TD\n");
        for (var number = 0; number < dag.tasks().size(); number++) {
            text.append("    ").append(box(number, dag.tasks().get(number))).append('\n');
        }
        for (var number = 0; number < dag.tasks().size(); number++) {
            for (var downstream : graph.downstreams(number)) {
                text.append("    t")
                        .append(number + 1)
                        .append(" --> t")
                        .append(downstream + 1)
                        .append('\n');
            }
        }
        return text.toString();
    }

    /** Each type has its own shape. */
    private static String box(int number, TaskDefinition task) {
        var shape = switch (task.type().wireName()) {
            case "http" -> "([\"%s\"])";
            case "python" -> "[[\"%s\"]]";
            case "handler" -> "{{\"%s\"}}";
            case "agent" -> "[/\"%s\"/]";
            default -> "[\"%s\"]";
        };
        return "t" + (number + 1) + shape.formatted(label(task));
    }

    private static String label(TaskDefinition task) {
        var id = escaped(task.id().value());
        return task.name().equals(task.id().value()) ? id : id + "<br/>" + escaped(task.name());
    }

    /** Whatever Mermaid could take as its own syntax is written as the number of its character. */
    private static String escaped(String text) {
        return Quoted.shortened(text, LABEL_LENGTH)
                .codePoints()
                .mapToObj(c -> isHarmless(c) ? Character.toString(c) : "#" + c + ";")
                .collect(joining());
    }

    private static boolean isHarmless(int codePoint) {
        return Character.isLetterOrDigit(codePoint) || " _.-…".indexOf(codePoint) >= 0;
    }
}
