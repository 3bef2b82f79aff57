package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists what a job did, and what was left out. */
@Command(
        name = "history",
        description = {
            "List what a job did, newest first, and with the status skipped which of its times were left out.",
            "The id of an execution is that of its run: 'run show', 'run logs' and 'run watch' tell more."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job history morning-report",
            "  orrery job history morning-report --status failed --from 2026-01-01",
            "  orrery job history morning-report --by started --from 2026-01-31T08:00 --to 2026-01-31T09:00",
            "  orrery job history morning-report --output json | jq -r '.items[] | .scheduledAt + \" \" + .status'"
        })
final class JobHistoryCommand extends JobAction {

    @Option(names = "--status", paramLabel = "STATUS", description = "Only in this status: ${COMPLETION-CANDIDATES}.")
    @Nullable StatusName status;

    @Option(
            names = "--from",
            paramLabel = "TIME",
            description =
                    "Only what was due then or later: 2026-01-31, or with a time, in the job's zone or with an offset.")
    @Nullable String from;

    @Option(names = "--to", paramLabel = "TIME", description = "Only what was due before.")
    @Nullable String to;

    @Option(
            names = "--by",
            paramLabel = "TIME",
            description = "What --from, --to and the order go by: when it was due, when it started, or when it was"
                    + " created (${COMPLETION-CANDIDATES}; default: due). What was left out has only been due.")
    By by = By.due;

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 20).")
    int limit = 20;

    @Option(names = "--cursor", paramLabel = "CURSOR", description = "Where the list goes on, as it told at its end.")
    @Nullable String cursor;

    /** The times of an execution. */
    enum By {
        due("scheduledAt"),
        started("startedAt"),
        created("createdAt");

        private final String field;

        By(String field) {
            this.field = field;
        }

        String query() {
            return this == due ? "" : "&by=" + field;
        }
    }

    /** What may have become of an execution. */
    enum StatusName {
        pending,
        running,
        success,
        failed,
        timeout,
        cancelled,
        skipped
    }

    JobHistoryCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        var query = JobListCommand.part("status", status)
                + time("from", from, found)
                + time("to", to, found)
                + JobListCommand.part("cursor", cursor);
        var answer = client.get(Jobs.path(found) + "/executions?limit=" + limit + by.query() + query);
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object(), query.isEmpty());
        }
        return ExitCode.OK.code();
    }

    private static String time(String name, @Nullable String text, JsonObject found) {
        return text == null ? "" : JobListCommand.part(name, JobTexts.time("--" + name, text, JobTexts.zone(found)));
    }

    private void show(JsonObject page, boolean all) {
        var executions = page.objects("items");
        if (executions.isEmpty()) {
            terminal().line(all ? "it did nothing yet" : "nothing like that");
            return;
        }
        terminal().table(table(executions));
        page.text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
    }

    private Table table(List<JsonObject> executions) {
        var headings = Stream.of("DUE", "STATUS", "BY", "TOOK", "RETRIES#", "ID", "NOTE");
        var table = Table.of(Stream.concat(alsoShown().map(time -> time.name().toUpperCase(Locale.ROOT)), headings)
                .toArray(String[]::new));
        for (var execution : executions) {
            table.row(Stream.concat(alsoShown().map(time -> time(time, execution)), row(execution))
                    .toArray(Table.Cell[]::new));
        }
        return table;
    }

    /** The due time is always shown. */
    private Stream<By> alsoShown() {
        return by == By.due ? Stream.empty() : Stream.of(by);
    }

    private static Stream<Table.Cell> row(JsonObject execution) {
        var state = execution.textOrEmpty("status");
        var skipped = state.equals("skipped");
        return Stream.of(
                time(By.due, execution),
                cell(state, StateColours.of(state)),
                cell(execution.textOrEmpty("triggeredBy")),
                cell(took(execution)),
                cell(skipped ? "-" : Integer.toString(execution.integer("retryCount"))),
                cell(skipped ? "-" : execution.textOrEmpty("id")),
                cell(skipped ? leftOut(execution) : note(execution)));
    }

    private static Table.Cell time(By by, JsonObject execution) {
        return cell(execution.time(by.field).map(JobTexts::utc).orElse("-"));
    }

    private static String note(JsonObject execution) {
        return execution
                .text("error")
                .or(() -> execution.json("progress").map(percent -> percent + "% done"))
                .orElse("");
    }

    private static String took(JsonObject execution) {
        return execution.json("durationMs").isPresent()
                ? HumanTime.of(Duration.ofMillis(execution.number("durationMs")))
                : "-";
    }

    private static String leftOut(JsonObject execution) {
        var until = execution
                .time("skippedUntil")
                .filter(last ->
                        execution.time("scheduledAt").filter(last::equals).isEmpty());
        var count = execution.number("skippedCount");
        return execution.textOrEmpty("skippedReason")
                + until.map(last -> ", " + (count > 0 ? Long.toString(count) : "over a thousand") + " times until "
                                + JobTexts.utc(last))
                        .orElse("");
    }
}
