package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.TextWidth;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Draws a single task and those that are done for it. */
@Command(
        name = "tree",
        description = "Show a single task with its children, and theirs.",
        footer = {ServerAction.EXAMPLES, "  orrery task tree 01980f6e-5a10-7000-8b2d-5f3180000001 --levels 2"})
final class TaskTreeCommand extends TaskAction {

    @Option(names = "--levels", paramLabel = "N", description = "How many levels below it, 1 to 20 (default: 10).")
    int levels = 10;

    @Option(names = "--limit", paramLabel = "N", description = "How many tasks at most, 1 to 1000 (default: 200).")
    int limit = 200;

    TaskTreeCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(path() + "/tree?levels=" + levels + "&limit=" + limit);
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var nodes = answer.object().objects("tasks").stream()
                .map(node -> node.object("task").orElseThrow())
                .toList();
        Map<String, List<JsonObject>> children = new HashMap<>();
        nodes.stream()
                .skip(1)
                .forEach(node -> children.computeIfAbsent(node.textOrEmpty("parentTaskId"), _ -> new ArrayList<>())
                        .add(node));
        draw(nodes.getFirst(), "", "", children);
        if (!answer.object().flag("isComplete").orElse(true)) {
            terminal().remark("there are more: --levels and --limit show more of them");
        }
        return ExitCode.OK.code();
    }

    /** A tree has at most 20 levels, so this recursion ends. */
    private void draw(JsonObject node, String before, String beforeChildren, Map<String, List<JsonObject>> children) {
        var state = node.textOrEmpty("state");
        terminal()
                .line(before + TextWidth.clean(node.textOrEmpty("name")) + " "
                        + terminal().style().paint(StateColours.of(state), state) + " " + node.textOrEmpty("id"));
        var below = children.getOrDefault(node.textOrEmpty("id"), List.of());
        for (var n = 0; n < below.size(); n++) {
            var isLast = n == below.size() - 1;
            var unicode = terminal().style().unicode();
            var branch = unicode ? (isLast ? "└─ " : "├─ ") : (isLast ? "`- " : "|- ");
            var trunk = isLast ? "   " : unicode ? "│  " : "|  ";
            draw(below.get(n), beforeChildren + branch, beforeChildren + trunk, children);
        }
    }
}
