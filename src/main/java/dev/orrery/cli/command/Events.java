package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.client.NotJson;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import dev.orrery.domain.Nearest;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the commands about events and their handlers have in common. */
final class Events {

    static final String PATH = "/api/v1/events";
    static final String HANDLERS = "/api/v1/event-handlers";

    private static final int PAGE = 500;
    private static final int NAMED_MAX = 5;

    private Events() {}

    /** The value of an option that is any JSON, or {@code @FILE} that holds some. */
    static @Nullable Object json(Context context, String option, String text) {
        var written = text.startsWith("@") ? new String(new InputFiles(context).read(text.substring(1)), UTF_8) : text;
        try {
            return JsonObject.parse("{\"value\":" + written + "}").value("value");
        } catch (NotJson malformed) {
            throw CommandFailure.usage(
                    option + " is no JSON: " + malformed.getMessage(), "write it like '{\"region\": \"eu\"}'");
        }
    }

    /** Events as the lists of the API have them. */
    static Table table(List<JsonObject> events, Instant now) {
        var table = Table.of("WHEN", "NAME", "KEY", "SOURCE", "FIRED#", "ID");
        for (var event : events) {
            table.row(
                    cell(event.time("receivedAt")
                            .map(at -> HumanTime.ago(at, now))
                            .orElse("-")),
                    cell(event.textOrEmpty("name")),
                    cell(event.text("key").orElse("-")),
                    cell(event.text("source").orElse("-")),
                    cell(Long.toString(event.number("executionsCount"))),
                    cell(event.textOrEmpty("id")));
        }
        return table;
    }

    /** What became of an event at its handlers. */
    static Table deliveries(List<JsonObject> deliveries) {
        var table = Table.of("HANDLER", "OUTCOME", "EXECUTION", "ERROR");
        for (var delivery : deliveries) {
            table.row(
                    cell(delivery.textOrEmpty("handlerId")),
                    cell(delivery.textOrEmpty("outcome")),
                    cell(delivery.text("executionId").orElse("-")),
                    cell(delivery.text("error").orElse("")));
        }
        return table;
    }

    /** The handler of this id, or of this name where no other has it. */
    static JsonObject handler(ApiClient client, String idOrName) {
        if (Dags.UUID_FORM.matcher(idOrName).matches()) {
            return client.get(HANDLERS + "/" + idOrName).object();
        }
        var known = client.get(HANDLERS + "?limit=" + PAGE).object().objects("items");
        var named = known.stream()
                .filter(handler -> handler.textOrEmpty("name").equals(idOrName))
                .toList();
        if (named.size() == 1) {
            return named.getFirst();
        }
        if (named.isEmpty()) {
            throw unknown(idOrName, known);
        }
        throw CommandFailure.usage(
                named.size() + " event handlers are called '" + idOrName + "'",
                "give the id of the one that is meant: "
                        + named.stream()
                                .limit(NAMED_MAX)
                                .map(handler -> handler.textOrEmpty("id"))
                                .collect(Collectors.joining(", ")));
    }

    /** Lets events fire the handler; answers it as it is then. */
    static ApiClient.Answer enable(ApiClient client, JsonObject handler) {
        return switched(client, handler, "resume");
    }

    /** Keeps events from firing the handler; answers it as it is then. */
    static ApiClient.Answer disable(ApiClient client, JsonObject handler) {
        return switched(client, handler, "pause");
    }

    /** A handler is enabled while its job is active. */
    private static ApiClient.Answer switched(ApiClient client, JsonObject handler, String verb) {
        client.post(Jobs.path(handler) + "/" + verb, JsonObject.of(Map.of()));
        return client.get(HANDLERS + "/" + handler.textOrEmpty("id"));
    }

    private static CommandFailure unknown(String name, List<JsonObject> known) {
        var names = known.stream()
                .map(handler -> handler.textOrEmpty("name"))
                .distinct()
                .toList();
        return CommandFailure.notFound(
                "no event handler is called '" + name + "'",
                Nearest.to(name, names)
                        .map(near -> "did you mean '" + near + "'?")
                        .orElse("'event-handler list' shows what there is"));
    }

    /** Says what was done, or for programs what the node answered. */
    static int done(ServerAction command, ApiClient.Answer answer, String done) {
        if (command.isJson()) {
            command.terminal().line(answer.body());
        } else {
            command.terminal().line(command.terminal().style().succeededMark() + " " + done);
        }
        return ExitCode.OK.code();
    }
}
