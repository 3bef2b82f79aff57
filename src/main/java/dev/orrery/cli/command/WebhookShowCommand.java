package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.text.TextWidth;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Shows a webhook. */
@Command(
        name = "show",
        description = "Show a webhook: where to send to, how to sign, and which events come of it.",
        footer = {ServerAction.EXAMPLES, "  orrery webhook show shop"})
final class WebhookShowCommand extends ServerAction {

    @Parameters(paramLabel = "NAME", description = "The webhook's name.")
    String name = "";

    WebhookShowCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var answer = client.get(Webhooks.path(name));
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var found = answer.object();
        fact("webhook", found.textOrEmpty("name"));
        fact("url", Webhooks.url(client, found));
        fact("scheme", found.textOrEmpty("scheme"));
        found.text("header").ifPresent(header -> fact("header", header));
        if (found.textOrEmpty("scheme").equals("standard")) {
            fact("tolerance", found.number("toleranceSeconds") + "s");
        }
        fact("events", Webhooks.events(found));
        found.text("keyFrom").ifPresent(text -> fact("key by", text));
        fact("secrets", found.number("secrets") == 1 ? "one" : "two: one of them is being changed");
        found.time("createdAt").ifPresent(at -> fact("created", JobTexts.utc(at)));
        found.time("updatedAt").ifPresent(at -> fact("changed", JobTexts.utc(at)));
        return ExitCode.OK.code();
    }

    private void fact(String label, String text) {
        terminal().line(label + " ".repeat(11 - label.length()) + TextWidth.clean(text));
    }
}
