package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.Map;
import picocli.CommandLine.Command;

/** Fires a job now. */
@Command(
        name = "trigger",
        description = "Fire a job now: beside its schedule, also while it is paused, and whatever runs.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job trigger morning-report",
            "  orrery run watch \"$(orrery job trigger morning-report --output json | jq -r .id)\""
        })
final class JobTriggerCommand extends JobAction {

    JobTriggerCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        var answer = client.post(Jobs.path(found) + "/trigger", JsonObject.of(Map.of()));
        var execution = answer.object().textOrEmpty("id");
        return done(
                answer,
                "fired " + TextWidth.clean(found.textOrEmpty("name")) + ": execution " + execution,
                "follow it with: " + commandLine("run watch " + execution));
    }
}
