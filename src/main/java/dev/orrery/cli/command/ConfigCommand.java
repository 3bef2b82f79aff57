package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.Table;
import dev.orrery.config.ConfigReport;
import java.util.LinkedHashMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Prints what a node would be told, and by whom. */
@Command(
        name = "config",
        description = {
            "Show the settings that a node would have, started with these options, and where each comes from.",
            "Defaults are overridden by the file, the file by ORRERY_* variables (http.port is ORRERY_HTTP_PORT), those by flags.",
            "Secrets are masked. If a setting is wrong, all that are wrong are named, and the exit code is 2."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery config",
            "  orrery config --config conf/node.yaml --set workers.size=8",
            "  orrery config --output json | jq -r '.[] | select(.origin != \"default\").key'"
        })
final class ConfigCommand extends NodeAction {

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORM",
            description = "text for people (the default), json for programs.")
    OutputForm output = OutputForm.TEXT;

    ConfigCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var report = load().report();
        if (output == OutputForm.JSON) {
            terminal()
                    .line(JsonObject.write(
                            report.rows().stream().map(ConfigCommand::json).toList()));
            return ExitCode.OK.code();
        }
        var table = Table.of("SETTING", "VALUE", "FROM");
        for (var row : report.rows()) {
            var value = row.value().isEmpty() ? "\"\"" : row.value();
            var colour = row.origin().equals("default") ? Colour.DIM : Colour.NONE;
            table.row(cell(row.key(), colour), cell(value, colour), cell(row.origin(), colour));
        }
        terminal().table(table);
        return ExitCode.OK.code();
    }

    private static JsonObject json(ConfigReport.Row row) {
        var fields = new LinkedHashMap<String, String>();
        fields.put("key", row.key());
        fields.put("value", row.value());
        fields.put("origin", row.origin());
        return JsonObject.of(fields);
    }
}
