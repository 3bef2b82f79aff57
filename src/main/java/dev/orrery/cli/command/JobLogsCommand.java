package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.TextWidth;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints what an execution said. */
@Command(
        name = "logs",
        description = {
            "Print what an execution said: time, level, message and data of each entry.",
            "With '--output json' each entry is a line of JSON."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job logs 01980f6e-5a10-7000-8b2d-5f3100000000 --level warning",
            "  orrery job logs 01980f6e-5a10-7000-8b2d-5f3100000000 --follow",
            "  orrery job logs 01980f6e-5a10-7000-8b2d-5f3100000000 --output json | jq -r .message"
        })
final class JobLogsCommand extends ServerAction {

    private static final int PAGE = 500;
    private static final long LOOK_AGAIN_MILLIS = 500;

    @Parameters(paramLabel = "EXECUTION", description = "The execution's id, as 'job history' tells it.")
    String execution = "";

    @Option(
            names = "--level",
            paramLabel = "LEVEL",
            description = "Only entries of this level or a worse one: ${COMPLETION-CANDIDATES}.")
    @Nullable LevelName level;

    @Option(names = "--attempt", paramLabel = "N", description = "Only what this attempt said.")
    @Nullable Integer attempt;

    @Option(
            names = {"-f", "--follow"},
            description = "Go on until the execution has ended, over all its attempts.")
    boolean follow;

    private String spoke = "";

    /** How much an entry matters. */
    enum LevelName {
        debug,
        info,
        warning,
        error
    }

    JobLogsCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        if (!Dags.UUID_FORM.matcher(execution).matches()) {
            throw CommandFailure.usage("'" + execution + "' is no id of an execution", "'job history JOB' tells them");
        }
        var client = client();
        var path = "/api/v1/executions/" + execution + "/logs?limit=" + PAGE + JobListCommand.part("level", level)
                + JobListCommand.part("attempt", attempt);
        var cursor = Optional.of("");
        while (cursor.isPresent()) {
            cursor = page(client, path, cursor.get());
        }
        return ExitCode.OK.code();
    }

    /** Where to go on; nothing where there is nothing more. */
    private Optional<String> page(ApiClient client, String path, String cursor) {
        var page = client.get(cursor.isEmpty() ? path : path + "&cursor=" + ApiClient.encode(cursor))
                .object();
        var entries = page.objects("items");
        print(entries);
        var next = page.text("nextCursor");
        var isAll = entries.isEmpty() && next.equals(Optional.of(cursor));
        return isAll ? next.filter(_ -> follow && waited()) : next;
    }

    private static boolean waited() {
        try {
            Thread.sleep(LOOK_AGAIN_MILLIS);
            return true;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void print(List<JsonObject> entries) {
        for (var entry : entries) {
            if (isJson()) {
                terminal().line(entry.toString());
            } else {
                head(entry);
                terminal().lines(lines(entry));
            }
        }
    }

    /** Who speaks is told when that changes. */
    private void head(JsonObject entry) {
        var speaks = entry.textOrEmpty("taskId") + ", attempt " + entry.integer("attempt");
        if (!speaks.equals(spoke) && (!spoke.isEmpty() || entry.integer("attempt") > 1)) {
            terminal().line(terminal().style().paint(Colour.BOLD, "==> " + speaks + " <=="));
        }
        spoke = speaks;
    }

    private List<String> lines(JsonObject entry) {
        var name = entry.textOrEmpty("level").toUpperCase(Locale.ROOT);
        var text = entry.textOrEmpty("message")
                + entry.json("data").map(data -> " " + data).orElse("");
        var time = entry.textOrEmpty("timestamp");
        var lines = text.lines().map(TextWidth::clean).toList();
        var first = time + " " + terminal().style().paint(colour(name), name) + " "
                + (lines.isEmpty() ? "" : lines.getFirst());
        return java.util.stream.Stream.concat(
                        java.util.stream.Stream.of(first),
                        lines.stream().skip(1).map(line -> "    " + line))
                .toList();
    }

    private static Colour colour(String level) {
        return switch (level) {
            case "ERROR" -> Colour.RED;
            case "WARNING" -> Colour.YELLOW;
            case "DEBUG" -> Colour.DIM;
            default -> Colour.NONE;
        };
    }
}
