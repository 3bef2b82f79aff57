package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the tenants. */
@Command(
        name = "list",
        description = "List the tenants by name.",
        footer = {ServerAction.EXAMPLES, "  orrery tenant list"})
final class TenantListCommand extends ServerAction {

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 100).")
    int limit = 100;

    @Option(names = "--cursor", paramLabel = "NAME", description = "The name behind which the list begins.")
    String cursor = "";

    TenantListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var from = cursor.isEmpty() ? "" : "&cursor=" + ApiClient.encode(cursor);
        var answer = client().get("/api/v1/tenants?limit=" + limit + from);
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject page) {
        var table = Table.of("TENANT", "CREATED");
        var now = context.clock().instant();
        for (var tenant : page.objects("items")) {
            table.row(
                    cell(tenant.textOrEmpty("name")),
                    cell(tenant.time("createdAt")
                            .map(at -> HumanTime.ago(at, now))
                            .orElse("-")));
        }
        terminal().table(table);
        page.text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
    }
}
