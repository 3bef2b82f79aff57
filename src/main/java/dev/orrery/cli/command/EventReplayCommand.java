package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.Table;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Publishes events once more. */
@Command(
        name = "replay",
        description = {
            "Publish events once more: one by its id, or those of a name and a time.",
            "What comes of it are new events, judged by the handlers of today."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery event replay 01980f6e-7000-7000-8b2d-5f3100000001",
            "  orrery event replay --name order.paid --from 2026-01-31T08:00Z --to 2026-01-31T09:00Z --dry-run",
            "  orrery event replay --name order.paid --from 2026-01-31 --to 2026-02-01 --handler bill"
        })
final class EventReplayCommand extends ServerAction {

    private static final int PAGE = 100;

    @Parameters(paramLabel = "EVENT", arity = "0..1", description = "The id of one event.")
    @Nullable String event;

    @Option(names = "--name", paramLabel = "NAME", description = "Events of this name.")
    @Nullable String name;

    @Option(names = "--from", paramLabel = "TIME", description = "Received then or later.")
    @Nullable String from;

    @Option(names = "--to", paramLabel = "TIME", description = "Received before.")
    @Nullable String to;

    @Option(
            names = "--handler",
            paramLabel = "HANDLER",
            description = "Only for this handler, by id or name; may be repeated (default: for all that want them).")
    List<String> handlers = List.of();

    @Option(names = "--dry-run", description = "Only tell which ones.")
    boolean dryRun;

    EventReplayCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        if (event != null) {
            if (name != null || from != null || to != null || dryRun) {
                throw CommandFailure.usage(
                        "an event and a range are both given", "give the id alone, or --name, --from and --to");
            }
            var path = Events.PATH + "/" + EventShowCommand.checked(event) + "/replay";
            show(List.of(client.post(path, JsonObject.of(handlerIds(client))).object()));
        } else {
            show(parts(client));
        }
        return ExitCode.OK.code();
    }

    /** One request for each part; a part is replayed as a whole. */
    private List<JsonObject> parts(ApiClient client) {
        if (name == null || from == null || to == null) {
            throw CommandFailure.usage("it is not said which events", "give an event's id, or --name, --from and --to");
        }
        var body = new LinkedHashMap<String, @Nullable Object>(handlerIds(client));
        body.put("name", name);
        body.put("from", JobTexts.time("--from", from, ZoneOffset.UTC));
        body.put("to", JobTexts.time("--to", to, ZoneOffset.UTC));
        body.put("dryRun", dryRun);
        body.put("limit", PAGE);
        var parts = new ArrayList<JsonObject>();
        var cursor = Optional.<String>empty();
        do {
            cursor.ifPresent(next -> body.put("cursor", next));
            var part = client.post(Events.PATH + "/replay", JsonObject.of(body)).object();
            parts.add(part);
            cursor = part.text("nextCursor");
        } while (cursor.isPresent());
        return parts;
    }

    private Map<String, @Nullable Object> handlerIds(ApiClient client) {
        return handlers.isEmpty()
                ? Map.of()
                : Map.of(
                        "handlerIds",
                        handlers.stream()
                                .map(handler -> Events.handler(client, handler).textOrEmpty("id"))
                                .toList());
    }

    private void show(List<JsonObject> parts) {
        if (isJson()) {
            parts.forEach(part -> terminal().line(part.toString()));
            return;
        }
        var events =
                parts.stream().flatMap(part -> part.objects("events").stream()).toList();
        if (events.isEmpty()) {
            terminal().line("no events like that");
            return;
        }
        var table = Table.of("EVENT", "REPLAYED AS", "FIRED#");
        for (var each : events) {
            table.row(
                    Table.cell(each.textOrEmpty("eventId")),
                    Table.cell(each.text("replayedAs").orElse("-")),
                    Table.cell(Long.toString(each.number("executionsCount"))));
        }
        terminal().table(table);
        terminal()
                .line(events.size()
                        + (events.size() == 1 ? " event" : " events")
                        + (dryRun ? " would be replayed" : " replayed"));
    }
}
