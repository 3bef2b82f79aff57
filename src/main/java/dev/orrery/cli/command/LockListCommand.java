package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the locks of tasks and DAGs. */
@Command(
        name = "list",
        description = "List the locks that DAGs name, who holds them and how many tasks wait for them.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery lock list",
            "  orrery lock list --output json | jq -r '.items[] | select(.waiting > 0) | .name'"
        })
final class LockListCommand extends ServerAction {

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 100).")
    int limit = 100;

    @Option(names = "--cursor", paramLabel = "NAME", description = "The name behind which the list begins.")
    String cursor = "";

    LockListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var from = cursor.isEmpty() ? "" : "&cursor=" + ApiClient.encode(cursor);
        var answer = client().get("/api/v1/locks?limit=" + limit + from);
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject page) {
        var locks = page.objects("items");
        if (locks.isEmpty()) {
            terminal()
                    .line(
                            cursor.isEmpty()
                                    ? "no locks; a DAG or a task names one by 'lock: NAME'"
                                    : "no locks behind it");
            return;
        }
        terminal().table(table(locks));
        page.text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
    }

    private Table table(List<JsonObject> locks) {
        var table = Table.of("LOCK", "TAKEN#", "WAITING#", "HELD", "TASK", "DAG", "RUN");
        var now = context.clock().instant();
        for (var lock : locks) {
            table.row(
                    cell(lock.textOrEmpty("name")),
                    cell(lock.json("fence").orElse("")),
                    cell(Integer.toString(lock.integer("waiting"))),
                    cell(lock.time("heldSince")
                            .map(at -> HumanTime.ago(at, now))
                            .orElse("free")),
                    cell(lock.text("taskId").orElse(lock.text("runId").isPresent() ? "(the run)" : "-")),
                    cell(lock.text("dagName").orElse("-")),
                    cell(lock.text("runId").orElse("-")));
        }
        return table;
    }
}
