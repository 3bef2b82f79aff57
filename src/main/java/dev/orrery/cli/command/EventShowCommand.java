package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Shows an event. */
@Command(
        name = "show",
        description = "Show an event: what it says, and what became of it at each handler.",
        footer = {ServerAction.EXAMPLES, "  orrery event show 01980f6e-7000-7000-8b2d-5f3100000001"})
final class EventShowCommand extends ServerAction {

    @Parameters(paramLabel = "EVENT", description = "The event's id, as 'event list' tells it.")
    String event = "";

    EventShowCommand(Context context) {
        super(context);
    }

    /** Fails where it is no id. */
    static String checked(String event) {
        if (!Dags.UUID_FORM.matcher(event).matches()) {
            throw CommandFailure.usage("'" + event + "' is no id of an event", "'event list' tells them");
        }
        return event;
    }

    @Override
    public Integer call() {
        var answer = client().get(Events.PATH + "/" + checked(event));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject found) {
        fact("event", found.textOrEmpty("name"));
        fact("id", found.textOrEmpty("id"));
        found.time("receivedAt").ifPresent(at -> fact("received", at.toString()));
        found.text("key").ifPresent(text -> fact("key", text));
        found.text("source").ifPresent(text -> fact("source", text));
        found.text("replayOf").ifPresent(text -> fact("replay of", text));
        found.json("payload").ifPresent(text -> fact("payload", text));
        var deliveries = found.objects("deliveries");
        if (deliveries.isEmpty()) {
            terminal().line("no handler listened to it");
        } else {
            terminal().table(Events.deliveries(deliveries));
        }
    }

    private void fact(String name, String text) {
        terminal().line(name + " ".repeat(11 - name.length()) + TextWidth.clean(text));
    }
}
