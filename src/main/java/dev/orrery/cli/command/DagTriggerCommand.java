package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Starts a run. */
@Command(
        name = "trigger",
        description = {
            "Start a run of a DAG's newest version.",
            "With --follow the exit code tells whether it succeeded; Ctrl-C then ends the following, not the run."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dag trigger nightly-report --follow",
            "  orrery dag trigger nightly-report --param day=2026-01-31 --param region=eu",
            "  orrery dag trigger nightly-report --params '{\"days\": 7}' --output json | jq -r .runId"
        })
final class DagTriggerCommand extends ServerAction {

    @Parameters(paramLabel = "DAG", description = "The DAG's name or id.")
    String dag = "";

    @Option(
            names = "--param",
            paramLabel = "NAME=TEXT",
            description =
                    "A param for the run, as text; may be repeated. Tasks find all params in the file $$ORRERY_PARAMS.")
    Map<String, String> param = new LinkedHashMap<>();

    @Option(
            names = "--params",
            paramLabel = "JSON",
            description = "All params as one JSON object, or @FILE that holds it.")
    @Nullable String params;

    @Option(
            names = {"-f", "--follow"},
            description = "Follow the run to its end.")
    boolean follow;

    DagTriggerCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var asked = params();
        var client = client();
        var found = new Dags(client).find(dag);
        var answer = client.post(
                "/api/v1/dags/" + found.textOrEmpty("id") + "/runs", JsonObject.of(Map.of("params", asked)));
        var runId = answer.object().textOrEmpty("runId");
        if (isJson()) {
            terminal()
                    .line(
                            follow
                                    ? answer.object()
                                            .withFirst("event", "triggered")
                                            .toString()
                                    : answer.body());
        } else {
            terminal()
                    .line("run " + runId + " of " + found.textOrEmpty("name") + " version "
                            + answer.object().integer("dagVersion"));
        }
        if (follow) {
            return new Following(context, client, isJson(), this::commandLine).toTheEnd(runId);
        }
        if (!isJson()) {
            terminal().remark("follow it with: " + commandLine("run watch " + runId));
        }
        return ExitCode.OK.code();
    }

    private JsonObject params() {
        var object = params == null ? JsonObject.of(Map.of()) : JsonOption.read(context, "--params", params);
        for (var each : param.entrySet()) {
            object = object.with(each.getKey(), each.getValue());
        }
        return object;
    }
}
