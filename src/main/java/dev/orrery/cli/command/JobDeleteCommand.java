package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.LinkedHashMap;
import picocli.CommandLine.Command;

/** Deletes a job with its executions. */
@Command(
        name = "delete",
        description = "Delete a job with its executions. What runs goes on to its end and is deleted then.",
        footer = {ServerAction.EXAMPLES, "  orrery job delete morning-report"})
final class JobDeleteCommand extends JobAction {

    JobDeleteCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        client.delete(Jobs.path(found));
        if (isJson()) {
            var fields = new LinkedHashMap<String, String>();
            fields.put("id", found.textOrEmpty("id"));
            fields.put("name", found.textOrEmpty("name"));
            terminal().line(JsonObject.of(fields).toString());
        } else {
            terminal().line("deleted " + TextWidth.clean(found.textOrEmpty("name")));
        }
        return ExitCode.OK.code();
    }
}
