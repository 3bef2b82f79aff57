package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists webhooks. */
@Command(
        name = "list",
        description = "List webhooks, by name.",
        footer = {ServerAction.EXAMPLES, "  orrery webhook list"})
final class WebhookListCommand extends ServerAction {

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 50).")
    int limit = 50;

    @Option(names = "--cursor", paramLabel = "CURSOR", description = "Where the list goes on, as it told at its end.")
    @Nullable String cursor;

    WebhookListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(Webhooks.PATH + "?limit=" + limit + JobListCommand.part("cursor", cursor));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject page) {
        var webhooks = page.objects("items");
        if (webhooks.isEmpty()) {
            terminal().line("no webhooks; make one with: " + commandLine("webhook create --help"));
            return;
        }
        var table = Table.of("NAME", "SCHEME", "SECRETS#", "CHANGED", "PATH", "EVENTS");
        var now = context.clock().instant();
        for (var webhook : webhooks) {
            table.row(
                    cell(webhook.textOrEmpty("name")),
                    cell(webhook.textOrEmpty("scheme")),
                    cell(Long.toString(webhook.number("secrets"))),
                    cell(webhook.time("updatedAt")
                            .map(at -> HumanTime.ago(at, now))
                            .orElse("-")),
                    cell(webhook.textOrEmpty("path")),
                    cell(Webhooks.events(webhook)));
        }
        terminal().table(table);
        page.text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
    }
}
