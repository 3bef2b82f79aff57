package dev.orrery.cli.command;

import static dev.orrery.cli.command.WorkOptions.put;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Registers an event handler. */
@Command(
        name = "create",
        description = {
            "Register what an event fires: a command, a request, a function, a remote worker or a DAG.",
            "--filter, --mapping and the keys are CEL over 'event': its name, key, source, id, receivedAt and payload."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery event-handler create order.paid --dag bill --filter 'event.payload.total > 100'",
            "  orrery event-handler create image.added --agent resize --mapping '{\"url\": event.payload.url}'",
            "  orrery event-handler create page.changed --shell ./build.sh --debounce 10s --debounce-max 1m",
            "  orrery event-handler create alarm --http https://example.org/call \\",
            "      --throttle 5/1h --throttle-key event.payload.host"
        })
final class EventHandlerCreateCommand extends ServerAction {

    private static final Map<String, String> OPTIONS = Map.of(
            "filter", "--filter",
            "payloadMapping", "--mapping",
            "debounce.wait", "--debounce",
            "debounce.maxWait", "--debounce-max",
            "debounce.key", "--debounce-key",
            "throttle.limit", "--throttle",
            "throttle.per", "--throttle",
            "throttle.key", "--throttle-key");

    @Parameters(paramLabel = "EVENT", description = "The name of the events that it listens to.")
    String event = "";

    @Option(
            names = "--name",
            paramLabel = "NAME",
            order = 1,
            description = "What to call it (default: the event's name).")
    @Nullable String name;

    @Option(names = "--filter", paramLabel = "CEL", order = 2, description = "Only events of which this is true.")
    @Nullable String filter;

    @Option(
            names = "--mapping",
            paramLabel = "CEL",
            order = 3,
            description = "What the execution is given (default: the event's payload).")
    @Nullable String mapping;

    @Mixin
    WorkOptions work = new WorkOptions();

    @Option(
            names = "--debounce",
            paramLabel = "DURATION",
            order = 30,
            description = "Fires when no event came for so long, with the last one.")
    @Nullable String debounce;

    @Option(
            names = "--debounce-max",
            paramLabel = "DURATION",
            order = 31,
            description = "Fires so long after the first one even if more come.")
    @Nullable String debounceMax;

    @Option(
            names = "--debounce-key",
            paramLabel = "CEL",
            order = 32,
            description = "Events with the same key are waited for together.")
    @Nullable String debounceKey;

    @Option(
            names = "--throttle",
            paramLabel = "N/DURATION",
            order = 33,
            description = "At most so many executions in such a time, as 5/1m.")
    @Nullable String throttle;

    @Option(names = "--throttle-key", paramLabel = "CEL", order = 34, description = "For each key so many.")
    @Nullable String throttleKey;

    @Option(names = "--disabled", order = 35, description = "Events do not fire it until it is enabled.")
    boolean disabled;

    EventHandlerCreateCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        work.check("a handler");
        var body = JsonObject.of(Map.of("eventName", event));
        body = put(body, "name", name);
        body = put(body, "filter", filter);
        body = put(body, "payloadMapping", mapping);
        body = put(work.work(body, null), "debounce", debounce());
        body = put(put(body, "throttle", throttle()), "enabled", disabled ? false : null);
        var answer = register(work.limits(context, body));
        var made = answer.object();
        return Events.done(
                this,
                answer,
                "registered " + TextWidth.clean(made.textOrEmpty("name")) + ": event handler "
                        + made.textOrEmpty("id"));
    }

    private ApiClient.Answer register(JsonObject body) {
        try {
            return client().post(Events.HANDLERS, body);
        } catch (CommandFailure refused) {
            throw work.byOptions(refused, OPTIONS);
        }
    }

    private @Nullable JsonObject debounce() {
        if (debounce != null) {
            var rule = JsonObject.of(Map.of("wait", debounce));
            return put(put(rule, "maxWait", debounceMax), "key", debounceKey);
        }
        if (debounceMax != null || debounceKey != null) {
            throw CommandFailure.usage("--debounce is missing", "say by --debounce how long no event may come");
        }
        return null;
    }

    private @Nullable JsonObject throttle() {
        if (throttle != null) {
            var parts = throttle.split("/", -1);
            if (parts.length != 2 || !parts[0].matches("[0-9]{1,9}")) {
                throw CommandFailure.usage("--throttle '" + throttle + "' is no rate", "write it like 5/1m or 100/1h");
            }
            var rule = JsonObject.of(Map.of("limit", Integer.parseInt(parts[0])));
            return put(rule.with("per", parts[1]), "key", throttleKey);
        }
        if (throttleKey != null) {
            throw CommandFailure.usage("--throttle is missing", "say by --throttle how often it may fire, as 5/1m");
        }
        return null;
    }
}
