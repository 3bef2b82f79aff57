package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Tells when a job fires next. */
@Command(
        name = "next",
        description = {
            "Tell when a job fires next: by the clock of its zone, how far that is from UTC, and in UTC.",
            "Where that clock is changed, a note says what becomes of the time."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job next morning-report",
            "  orrery job next morning-report --count 100 --output json | jq -r '.[].at'"
        })
final class JobNextCommand extends JobAction {

    @Option(names = "--count", paramLabel = "N", description = "How many times, 1 to 100 (default: 10).")
    int count = 10;

    JobNextCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        var answer = client.get(Jobs.path(found) + "/next?count=" + count);
        if (isJson()) {
            terminal().line(answer.body());
        } else if (answer.list().isEmpty()) {
            terminal()
                    .line(TextWidth.clean(found.textOrEmpty("name")) + " fires no more: it is "
                            + found.textOrEmpty("status"));
        } else {
            terminal()
                    .line("next times of " + TextWidth.clean(found.textOrEmpty("name")) + " in "
                            + TextWidth.clean(found.textOrEmpty("timezone")));
            terminal().table(JobTexts.fireTimes(answer.list(), context.clock().instant()));
            if (found.textOrEmpty("status").equals("paused")) {
                terminal().remark("it is paused, and fires at none of them until it is resumed");
            }
        }
        return ExitCode.OK.code();
    }
}
