package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.LinkedHashMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Deletes a DAG with its versions, finished runs and logs. */
@Command(
        name = "delete",
        description = "Delete a DAG with its versions, finished runs and logs. While a run is active it is refused.",
        footer = {ServerAction.EXAMPLES, "  orrery dag delete nightly-report"})
final class DagDeleteCommand extends ServerAction {

    @Parameters(paramLabel = "DAG", description = "The DAG's name or id.")
    String dag = "";

    DagDeleteCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var found = new Dags(client).find(dag);
        client.delete("/api/v1/dags/" + found.textOrEmpty("id"));
        if (isJson()) {
            var fields = new LinkedHashMap<String, String>();
            fields.put("id", found.textOrEmpty("id"));
            fields.put("name", found.textOrEmpty("name"));
            terminal().line(JsonObject.of(fields).toString());
        } else {
            terminal().line("deleted " + found.textOrEmpty("name"));
        }
        return ExitCode.OK.code();
    }
}
