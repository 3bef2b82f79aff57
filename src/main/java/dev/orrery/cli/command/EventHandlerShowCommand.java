package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.TextWidth;
import picocli.CommandLine.Command;

/** Shows an event handler. */
@Command(
        name = "show",
        description = "Show an event handler: which events it wants, what they fire, and how that went.",
        footer = {ServerAction.EXAMPLES, "  orrery event-handler show bill"})
final class EventHandlerShowCommand extends EventHandlerAction {

    EventHandlerShowCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        if (isJson()) {
            terminal().line(found.toString());
            return ExitCode.OK.code();
        }
        var status = found.textOrEmpty("status");
        fact("handler", found.textOrEmpty("name"));
        fact("id", found.textOrEmpty("id"));
        terminal().line(label("status") + terminal().style().paint(StateColours.of(status), status));
        fact("event", found.textOrEmpty("eventName"));
        found.text("filter").ifPresent(text -> fact("filter", text));
        found.text("payloadMapping").ifPresent(text -> fact("mapping", text));
        found.object("debounce").ifPresent(rule -> fact("debounce", debounce(rule)));
        found.object("throttle").ifPresent(rule -> fact("throttle", throttle(rule)));
        fact("does", JobTexts.work(found));
        found.json("payload").filter(text -> !text.equals("null")).ifPresent(text -> fact("payload", text));
        fact(
                "executions",
                found.number("executionsCount") + " (" + found.number("successCount") + " succeeded, "
                        + found.number("failureCount") + " failed)");
        terminal().remark("what it did: " + commandLine("job history " + ShellWord.of(found.textOrEmpty("id"))));
        return ExitCode.OK.code();
    }

    private static String debounce(JsonObject rule) {
        return rule.textOrEmpty("wait") + " of quiet"
                + rule.text("maxWait").map(most -> ", at most " + most).orElse("") + key(rule);
    }

    private static String throttle(JsonObject rule) {
        return rule.number("limit") + " in " + rule.textOrEmpty("per") + key(rule);
    }

    private static String key(JsonObject rule) {
        return rule.text("key").map(text -> ", for each " + text).orElse("");
    }

    private void fact(String name, String text) {
        terminal().line(label(name) + TextWidth.clean(text));
    }

    private static String label(String name) {
        return name + " ".repeat(12 - name.length());
    }
}
