package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.config.ProgramVersion;
import java.util.LinkedHashMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Says which program this is, and on what it runs. */
@Command(
        name = "version",
        description = "Show the version of this program, of Java and of the system.",
        footer = {ServerAction.EXAMPLES, "  orrery version", "  orrery version --output json | jq -r .version"})
final class VersionCommand extends Action {

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORM",
            description = "text for people (the default), json for programs.")
    OutputForm output = OutputForm.TEXT;

    VersionCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var version = ProgramVersion.text();
        var java = System.getProperty("java.version");
        var system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        if (output == OutputForm.JSON) {
            var fields = new LinkedHashMap<String, String>();
            fields.put("version", version);
            fields.put("java", java);
            fields.put("system", system);
            terminal().line(JsonObject.of(fields).toString());
        } else {
            terminal().line("orrery " + version + " (Java " + java + ", " + system + ")");
        }
        return ExitCode.OK.code();
    }
}
