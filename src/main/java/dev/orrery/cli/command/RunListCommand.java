package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.RunTimes;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists runs. */
@Command(
        name = "list",
        description = "List runs, newest first.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery run list",
            "  orrery run list --dag nightly-report --state failed",
            "  orrery run list --trace 0af7651916cd43dd8448eb211c80319c",
            "  orrery run list --output json | jq -r '.[] | select(.state == \"running\").runId'"
        })
final class RunListCommand extends ServerAction {

    private static final Pattern TRACE_ID = Pattern.compile("[0-9a-f]{32}");

    @Option(names = "--dag", paramLabel = "DAG", description = "Only the runs of this DAG, by name or id.")
    @Nullable String dag;

    @Option(names = "--state", paramLabel = "STATE", description = "Only runs in this state: ${COMPLETION-CANDIDATES}.")
    @Nullable StateName state;

    @Option(
            names = "--trace",
            paramLabel = "TRACE",
            description = "Only runs of this trace, named by its id or by that of a run that began one.")
    @Nullable String trace;

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 20).")
    int limit = 20;

    @Option(names = "--offset", paramLabel = "N", description = "How many to leave out at the beginning.")
    int offset;

    /** The states of a run as they are written. */
    enum StateName {
        pending,
        running,
        cancelling,
        succeeded,
        failed,
        cancelled
    }

    RunListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var answer = client.get(path(client));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.list());
        }
        return ExitCode.OK.code();
    }

    private String path(ApiClient client) {
        var base = dag == null
                ? "/api/v1/runs"
                : "/api/v1/dags/" + new Dags(client).find(dag).textOrEmpty("id") + "/runs";
        return base + "?limit=" + limit + "&offset=" + offset + (state == null ? "" : "&state=" + state)
                + JobListCommand.part("traceId", traceId());
    }

    private @Nullable String traceId() {
        if (trace == null) {
            return null;
        }
        var digits = trace.replace("-", "").toLowerCase(Locale.ROOT);
        if (!TRACE_ID.matcher(digits).matches()) {
            throw CommandFailure.usage(
                    "--trace '" + trace + "' is no id of a trace",
                    "it has 32 hexadecimal digits; 'run show RUN --output json' tells it as traceId");
        }
        return digits;
    }

    private void show(List<JsonObject> runs) {
        if (runs.isEmpty()) {
            terminal()
                    .line("no runs"
                            + (dag == null && state == null && trace == null && offset == 0
                                    ? "; start one with: " + commandLine("dag trigger NAME")
                                    : " like that"));
            return;
        }
        var table = Table.of("RUN", "STATE", "CREATED", "TOOK", "BY", "VERSION#", "DAG");
        var now = context.clock().instant();
        for (var run : runs) {
            var runState = run.textOrEmpty("state");
            table.row(
                    cell(run.textOrEmpty("runId")),
                    cell(runState, StateColours.of(runState)),
                    cell(run.time("createdAt").map(at -> HumanTime.ago(at, now)).orElse("-")),
                    cell(RunTimes.took(run, now).map(HumanTime::of).orElse("-")),
                    cell(run.textOrEmpty("triggeredBy")),
                    cell(Integer.toString(run.integer("dagVersion"))),
                    cell(run.textOrEmpty("dagName")));
        }
        terminal().table(table);
        if (runs.size() == limit) {
            terminal().remark("there may be more: --offset " + (offset + limit));
        }
    }
}
