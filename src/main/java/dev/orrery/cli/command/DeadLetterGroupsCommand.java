package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Groups dead letters by what went wrong. */
@Command(
        name = "groups",
        description = "Group dead letters by what went wrong, the greatest group first.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dead-letter groups",
            "  orrery dead-letter groups --queue mail --from 2026-01-31T08:00Z"
        })
final class DeadLetterGroupsCommand extends ServerAction {

    @Mixin
    DeadLetters.Filter filter = new DeadLetters.Filter();

    @Option(
            names = "--state",
            paramLabel = "STATE",
            description = "Open, redriven or discarded letters (default: open).")
    String state = "open";

    @Option(names = "--limit", paramLabel = "N", description = "How many groups at most, 1 to 500 (default: 20).")
    int limit = 20;

    DeadLetterGroupsCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(DeadLetters.PATH + "/groups?limit=" + limit + "&state=" + ApiClient.encode(state)
                + filter.query());
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var groups = answer.object().objects("items");
        if (groups.isEmpty()) {
            terminal().line("no dead letters like that");
            return ExitCode.OK.code();
        }
        var now = context.clock().instant();
        var table = Table.of("FINGERPRINT", "LETTERS#", "LAST", "NEWEST", "NAME", "ERROR");
        for (var group : groups) {
            var sample = group.object("sample").orElseGet(() -> JsonObject.of(Map.of()));
            table.row(
                    cell(group.textOrEmpty("fingerprint")),
                    cell(Integer.toString(group.integer("count"))),
                    cell(group.time("lastAt").map(at -> HumanTime.ago(at, now)).orElse("-")),
                    cell(sample.textOrEmpty("id")),
                    cell(sample.textOrEmpty("name")),
                    cell(DeadLetters.error(sample)));
        }
        terminal().table(table);
        if (!answer.object().flag("isComplete").orElse(true)) {
            terminal().remark("there are more: only the newest letters were counted");
        }
        return ExitCode.OK.code();
    }
}
