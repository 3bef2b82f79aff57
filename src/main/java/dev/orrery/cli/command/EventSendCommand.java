package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Publishes an event. */
@Command(
        name = "send",
        description = "Publish an event, and see which handlers it fires.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery event send order.paid --payload '{\"order\": 7, \"total\": 19.5}' --key order-7",
            "  orrery event send file.arrived --payload @event.json --source ftp"
        })
final class EventSendCommand extends ServerAction {

    @Parameters(paramLabel = "NAME", description = "The event's name, such as order.paid.")
    String name = "";

    @Option(names = "--payload", paramLabel = "JSON", description = "Any JSON, or @FILE that holds it (default: {}).")
    @Nullable String payload;

    @Option(
            names = "--key",
            paramLabel = "KEY",
            description =
                    "Your name for it: sent again with the same key, it is the same event and fires nothing more.")
    @Nullable String key;

    @Option(names = "--source", paramLabel = "SOURCE", description = "Where it comes from.")
    @Nullable String source;

    EventSendCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var body = new LinkedHashMap<String, @Nullable Object>();
        body.put("name", name);
        if (payload != null) {
            body.put("payload", Events.json(context, "--payload", payload));
        }
        if (key != null) {
            body.put("key", key);
        }
        if (source != null) {
            body.put("source", source);
        }
        var answer = client().post(Events.PATH, JsonObject.of(body));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object().objects("events").getFirst());
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject event) {
        var again = event.flag("repeated").orElse(false) ? " was published before" : " is published";
        terminal()
                .line(terminal().style().succeededMark() + " " + TextWidth.clean(event.textOrEmpty("name")) + again
                        + ": event " + event.textOrEmpty("id"));
        var deliveries = event.objects("deliveries");
        if (deliveries.isEmpty()) {
            terminal().line("no handler listens to it");
        } else {
            terminal().table(Events.deliveries(deliveries));
        }
        terminal().remark("look at it with: " + commandLine("event show " + event.textOrEmpty("id")));
    }
}
