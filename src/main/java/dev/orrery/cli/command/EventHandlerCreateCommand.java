package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.domain.Problem;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Registers an event handler. */
@Command(
        name = "create",
        description = {
            "Register what an event fires: a command, a request, a function or a DAG.",
            "--filter, --mapping and the keys are CEL over 'event': its name, key, source, id, receivedAt and payload."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery event-handler create order.paid --dag bill --filter 'event.payload.total > 100'",
            "  orrery event-handler create page.changed --shell ./build.sh --debounce 10s --debounce-max 1m",
            "  orrery event-handler create alarm --http https://example.org/call --throttle 5/1h --throttle-key event.payload.host"
        })
final class EventHandlerCreateCommand extends ServerAction {

    private static final Map<String, String> OPTIONS = Map.of(
            "name", "--name",
            "filter", "--filter",
            "payloadMapping", "--mapping",
            "debounce.wait", "--debounce",
            "debounce.maxWait", "--debounce-max",
            "debounce.key", "--debounce-key",
            "throttle.limit", "--throttle",
            "throttle.per", "--throttle",
            "throttle.key", "--throttle-key",
            "maxRetries", "--retries");

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

    @Option(names = "--shell", paramLabel = "COMMAND", order = 4, description = "It runs this by /bin/sh.")
    @Nullable String shell;

    @Option(names = "--http", paramLabel = "URL", order = 5, description = "It sends a request there.")
    @Nullable String http;

    @Option(names = "--method", paramLabel = "METHOD", order = 6, description = "Of that request (default: GET).")
    @Nullable String method;

    @Option(names = "--function", paramLabel = "NAME", order = 7, description = "It calls this handler.")
    @Nullable String function;

    @Option(names = "--dag", paramLabel = "NAME", order = 8, description = "It starts this DAG.")
    @Nullable String dag;

    @Option(
            names = "--debounce",
            paramLabel = "DURATION",
            order = 9,
            description = "Fires when no event came for so long, with the last one.")
    @Nullable String debounce;

    @Option(
            names = "--debounce-max",
            paramLabel = "DURATION",
            order = 10,
            description = "Fires so long after the first one even if more come.")
    @Nullable String debounceMax;

    @Option(
            names = "--debounce-key",
            paramLabel = "CEL",
            order = 11,
            description = "Events with the same key are waited for together.")
    @Nullable String debounceKey;

    @Option(
            names = "--throttle",
            paramLabel = "N/DURATION",
            order = 12,
            description = "At most so many executions in such a time, as 5/1m.")
    @Nullable String throttle;

    @Option(names = "--throttle-key", paramLabel = "CEL", order = 13, description = "For each key so many.")
    @Nullable String throttleKey;

    @Option(
            names = "--retries",
            paramLabel = "N",
            order = 14,
            description = "How often a failed execution is tried again (default: 3).")
    @Nullable Integer retries;

    @Option(names = "--disabled", order = 15, description = "Events do not fire it until it is enabled.")
    boolean disabled;

    @Option(names = "--tag", paramLabel = "TAG", order = 16, description = "By which it is found; may be repeated.")
    List<String> tags = List.of();

    EventHandlerCreateCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var count = Stream.of(shell, http, function, dag)
                .filter(given -> given != null)
                .count();
        if (count != 1) {
            throw CommandFailure.usage(
                    count == 0 ? "a handler must know what it does" : "it is said more than once what it does",
                    "give one of --shell, --http, --function or --dag");
        }
        if (method != null && http == null) {
            throw CommandFailure.usage("--method goes with --http", "name the URL by --http");
        }
        var body = new LinkedHashMap<String, @Nullable Object>();
        body.put("eventName", event);
        put(body, "name", name);
        put(body, "filter", filter);
        put(body, "payloadMapping", mapping);
        work(body);
        debounce(body);
        throttle(body);
        put(body, "maxRetries", retries);
        if (disabled) {
            body.put("enabled", false);
        }
        if (!tags.isEmpty()) {
            body.put("tags", tags);
        }
        var answer = register(JsonObject.of(body));
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
            throw refused.withProblems(refused.problems().stream()
                    .map(EventHandlerCreateCommand::byOption)
                    .toList());
        }
    }

    /** A problem of a field is one of the option that it came from. */
    private static Problem byOption(Problem problem) {
        var option = OPTIONS.getOrDefault(problem.path(), problem.path());
        var message = problem.line() > 0 ? option + ": " + problem.message() : problem.message();
        return new Problem(problem.code(), problem.line(), problem.column(), option, message, problem.help());
    }

    private void work(Map<String, @Nullable Object> body) {
        if (shell != null) {
            body.put("handlerName", "shell");
            body.put("payload", JsonObject.of(Map.of("command", shell)));
        } else if (http != null) {
            body.put("handlerName", "http");
            body.put(
                    "payload",
                    JsonObject.of(method == null ? Map.of("url", http) : Map.of("url", http, "method", method)));
        } else {
            body.put("handlerName", dag == null ? function : dag);
            put(body, "handlerType", dag == null ? null : "workflow");
        }
    }

    private void debounce(Map<String, @Nullable Object> body) {
        if (debounce != null) {
            var rule = new LinkedHashMap<String, @Nullable Object>();
            rule.put("wait", debounce);
            put(rule, "maxWait", debounceMax);
            put(rule, "key", debounceKey);
            body.put("debounce", JsonObject.of(rule));
        } else if (debounceMax != null || debounceKey != null) {
            throw CommandFailure.usage("--debounce is missing", "say by --debounce how long no event may come");
        }
    }

    private void throttle(Map<String, @Nullable Object> body) {
        if (throttle != null) {
            var parts = throttle.split("/", -1);
            if (parts.length != 2 || !parts[0].matches("[0-9]{1,9}")) {
                throw CommandFailure.usage("--throttle '" + throttle + "' is no rate", "write it like 5/1m or 100/1h");
            }
            var rule = new LinkedHashMap<String, @Nullable Object>();
            rule.put("limit", Integer.parseInt(parts[0]));
            rule.put("per", parts[1]);
            put(rule, "key", throttleKey);
            body.put("throttle", JsonObject.of(rule));
        } else if (throttleKey != null) {
            throw CommandFailure.usage("--throttle is missing", "say by --throttle how often it may fire, as 5/1m");
        }
    }

    private static void put(Map<String, @Nullable Object> body, String field, @Nullable Object value) {
        if (value != null) {
            body.put(field, value);
        }
    }
}
