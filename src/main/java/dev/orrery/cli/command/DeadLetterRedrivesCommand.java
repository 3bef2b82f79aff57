package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lists what was asked of many dead letters, and how far it has come. */
@Command(
        name = "redrives",
        description =
                "List what was asked of many dead letters, newest first, with how far it has come; or show one of them.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dead-letter redrives",
            "  orrery dead-letter redrives 01980f6e-5a10-7000-8b2d-5f3180000001"
        })
final class DeadLetterRedrivesCommand extends ServerAction {

    @Parameters(paramLabel = "REDRIVE", arity = "0..1", description = "Show this one, and why letters were refused.")
    @Nullable String redrive;

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 20).")
    int limit = 20;

    @Option(names = "--cursor", paramLabel = "REDRIVE", description = "The one behind which the list begins.")
    String cursor = "";

    DeadLetterRedrivesCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        if (redrive != null) {
            return one(redrive);
        }
        var from = cursor.isEmpty() ? "" : "&cursor=" + ApiClient.encode(cursor);
        var answer = client().get(DeadLetters.PATH + "/redrives?limit=" + limit + from);
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var redrives = answer.object().objects("items");
        if (redrives.isEmpty()) {
            terminal().line("nothing was asked of many dead letters");
        } else {
            terminal().table(table(redrives, context.clock().instant()));
        }
        answer.object().text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
        return ExitCode.OK.code();
    }

    private int one(String id) {
        if (!Dags.UUID_FORM.matcher(id).matches()) {
            throw CommandFailure.usage("'" + id + "' is no id of a redrive", "'dead-letter redrives' tells them");
        }
        var answer = client().get(DeadLetters.PATH + "/redrives/" + id.toLowerCase(Locale.ROOT));
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var shown = answer.object();
        terminal()
                .line(shown.textOrEmpty("action") + " " + shown.textOrEmpty("id") + " of " + which(shown) + " is "
                        + shown.textOrEmpty("state"));
        terminal().line("asked by     " + shown.textOrEmpty("by") + " at " + shown.textOrEmpty("createdAt"));
        shown.text("reason").ifPresent(reason -> terminal().line("reason       " + reason));
        shown.text("inputEdit").ifPresent(edit -> terminal().line("input        " + edit));
        shown.text("endedAt").ifPresent(at -> terminal().line("ended        " + at));
        terminal().line("done         " + done(shown));
        terminal().line("refused      " + shown.integer("refused"));
        for (var refusal : shown.objects("refusals")) {
            terminal()
                    .line("  " + refusal.integer("count") + " " + meaning(refusal.textOrEmpty("reason")) + ", such as "
                            + refusal.textOrEmpty("sample"));
        }
        return ExitCode.OK.code();
    }

    private static String done(JsonObject redrive) {
        var done = Integer.toString(redrive.integer("redriven"));
        return redrive.value("expected") == null ? done : done + " of " + DeadLetters.counted(redrive, "expected");
    }

    private static String which(JsonObject redrive) {
        return redrive.json("filter")
                .map(filter -> "letters like " + filter)
                .orElseGet(() -> redrive.integer("ids") + " named letters");
    }

    private static String meaning(String reason) {
        return switch (reason) {
            case "limit" -> "were sent back as often as dead-letters.max-redrives allows";
            case "cancelled" -> "are of runs that were cancelled";
            case "no_dag" -> "are of DAGs that were deleted";
            case "no_input" -> "are of http tasks of runs, which are given no input";
            case "bad_input" -> "are given their input as the params of a run, which are a JSON object";
            case "bad_patch" -> "were given what is no object, or were to be given more than 1 MiB";
            case "not_begun" -> "ended before their first attempt, which takes what the DAG says";
            case "prerequisite" -> "wait for another task that did not succeed: send that one back";
            case "key_taken" -> "have a unique key that another task has by now";
            case "open", "succeeded" -> "are of tasks that were tried again by then";
            case "redriven_before" -> "were sent back before";
            case "discarded" -> "were discarded before";
            case "closed" -> "were closed before, or do not exist";
            case "unknown" -> "do not exist";
            case "error" -> "failed for a reason that the log of the database tells";
            default -> reason;
        };
    }

    private static Table table(List<JsonObject> redrives, Instant now) {
        var table = Table.of("REDRIVE", "ASKED", "ACTION", "STATE", "OF#", "DONE#", "REFUSED#", "BY");
        for (var redrive : redrives) {
            table.row(
                    cell(redrive.textOrEmpty("id")),
                    cell(redrive.time("createdAt")
                            .map(at -> HumanTime.ago(at, now))
                            .orElse("-")),
                    cell(redrive.textOrEmpty("action")),
                    cell(redrive.textOrEmpty("state")),
                    cell(redrive.value("expected") == null ? "-" : Integer.toString(redrive.integer("expected"))),
                    cell(Integer.toString(redrive.integer("redriven"))),
                    cell(Integer.toString(redrive.integer("refused"))),
                    cell(redrive.textOrEmpty("by")));
        }
        return table;
    }
}
