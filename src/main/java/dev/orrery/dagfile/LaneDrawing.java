package dev.orrery.dagfile;

import dev.orrery.dagfile.FoldedGraph.Node;
import dev.orrery.domain.Quoted;
import java.util.ArrayList;
import java.util.List;

/**
 * Draws a graph in lanes, one row for each node and one for the lines that leave it:
 *
 * <pre>
 * ●    extract  shell
 * ├─╮
 * │ ●  enrich   http
 * ├─╯
 * ●    report   python
 * </pre>
 *
 * <p>A lane leads down to one node that is still to come, and all who are waited for by that node join it. Lines that only
 * cross do not touch. Where there would be too many lanes, the nodes are listed by level.
 */
final class LaneDrawing {

    private static final int MAX_LANES = 40;
    private static final int MAX_ID_LENGTH = 60;
    private static final int FREE = -1;

    /** By the sum of: 1 up, 2 down, 4 left, 8 right. */
    private static final String CORNERS = " ╵╷│╴╯╮┤╶╰╭├─┴┬┼";

    private static final int UP = 1;
    private static final int DOWN = 2;
    private static final int LEFT = 4;
    private static final int RIGHT = 8;

    private final FoldedGraph graph;
    private final List<Integer> lanes = new ArrayList<>();
    private final List<Row> rows = new ArrayList<>();
    private int width;

    private record Row(String lines, String label) {}

    private LaneDrawing(FoldedGraph graph) {
        this.graph = graph;
    }

    static LaneDrawing of(FoldedGraph graph) {
        return new LaneDrawing(graph);
    }

    String text() {
        var idWidth = graph.nodes().stream()
                .mapToInt(node -> ids(node).length())
                .max()
                .orElse(0);
        for (var place = 0; place < graph.nodes().size(); place++) {
            draw(place, idWidth);
            if (width > MAX_LANES) {
                return byLevel(idWidth);
            }
        }
        var text = new StringBuilder();
        var linesWidth = 2 * width - 1;
        for (var row : rows) {
            var padding = row.label().isEmpty()
                    ? ""
                    : " ".repeat(linesWidth - row.lines().length() + 2);
            text.append(row.lines()).append(padding).append(row.label()).append('\n');
        }
        return text.toString();
    }

    private void draw(int place, int idWidth) {
        var node = graph.nodes().get(place);
        var column = columnOf(place);
        rows.add(new Row(nodeLines(column), label(node, idWidth)));
        if (node.downstreams().isEmpty()) {
            lanes.set(column, FREE);
        } else {
            drawLeaving(column, node.downstreams());
        }
        while (!lanes.isEmpty() && lanes.getLast() == FREE) {
            lanes.removeLast();
        }
    }

    private int columnOf(int place) {
        var lane = lanes.indexOf(place);
        return lane >= 0 ? lane : take(place, 0);
    }

    /** The first free lane from here on, else the first free one, else a new one. */
    private int take(int place, int from) {
        for (var lane = from; lane < lanes.size(); lane++) {
            if (lanes.get(lane) == FREE) {
                lanes.set(lane, place);
                return lane;
            }
        }
        var first = lanes.indexOf(FREE);
        if (first >= 0) {
            lanes.set(first, place);
            return first;
        }
        lanes.add(place);
        width = Math.max(width, lanes.size());
        return lanes.size() - 1;
    }

    private String nodeLines(int column) {
        var lines = new StringBuilder();
        for (var lane = 0; lane < lanes.size(); lane++) {
            lines.append(lane == 0 ? "" : " ").append(lane == column ? '●' : lanes.get(lane) == FREE ? ' ' : '│');
        }
        return lines.toString().stripTrailing();
    }

    private void drawLeaving(int column, List<Integer> downstreams) {
        var above = lanes.stream().map(lane -> lane != FREE).toList();
        lanes.set(column, FREE);
        var joined = new ArrayList<Integer>();
        for (var downstream : downstreams) {
            var lane = lanes.indexOf(downstream);
            joined.add(lane >= 0 ? lane : take(downstream, column));
        }
        rows.add(new Row(leavingLines(column, joined, above), ""));
    }

    private String leavingLines(int column, List<Integer> joined, List<Boolean> above) {
        var first = Math.min(
                column, joined.stream().mapToInt(Integer::intValue).min().orElse(column));
        var last = Math.max(
                column, joined.stream().mapToInt(Integer::intValue).max().orElse(column));
        var lines = new StringBuilder();
        for (var lane = 0; lane < lanes.size(); lane++) {
            var up = lane < above.size() && above.get(lane) ? UP : 0;
            var down = lanes.get(lane) == FREE ? 0 : DOWN;
            var left = lane > first && lane <= last ? LEFT : 0;
            var right = lane >= first && lane < last ? RIGHT : 0;
            var onlyCrosses = up + down == UP + DOWN && lane != column && !joined.contains(lane);
            lines.append(CORNERS.charAt(onlyCrosses ? UP + DOWN : up + down + left + right));
            lines.append(right > 0 ? '─' : ' ');
        }
        return lines.toString().stripTrailing();
    }

    private String byLevel(int idWidth) {
        var text = new StringBuilder(
                "too many branches for lines; by level, each task after all of its dependencies:\n\n");
        var levels = graph.nodes().stream().mapToInt(Node::level).max().orElse(0);
        var byLevel = new ArrayList<List<Node>>();
        for (var level = 0; level < levels; level++) {
            byLevel.add(new ArrayList<>());
        }
        graph.nodes().forEach(node -> byLevel.get(node.level() - 1).add(node));
        for (var level = 0; level < levels; level++) {
            for (var node : byLevel.get(level)) {
                text.append(String.format("%5d  ", level + 1))
                        .append(label(node, idWidth))
                        .append('\n');
            }
        }
        return text.toString();
    }

    private static String label(Node node, int idWidth) {
        var ids = ids(node);
        var task = node.first();
        var count = node.tasks().size() > 1 ? " × " + node.tasks().size() : "";
        var isNamed = node.tasks().size() == 1 && !task.name().equals(task.id().value());
        var name = isNamed ? "  " + Quoted.of(task.name()) : "";
        return ids + " ".repeat(idWidth - ids.length() + 2) + task.type().wireName() + count + name;
    }

    private static String ids(Node node) {
        var first = Quoted.shortened(node.first().id().value(), MAX_ID_LENGTH);
        return node.tasks().size() == 1
                ? first
                : first + " … " + Quoted.shortened(node.tasks().getLast().id().value(), MAX_ID_LENGTH);
    }
}
