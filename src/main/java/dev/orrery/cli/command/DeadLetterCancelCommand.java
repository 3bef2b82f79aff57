package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Ends a redrive or discard of many dead letters. */
@Command(
        name = "cancel",
        description = "End a redrive or discard of many dead letters where it stands; what was done stays done.",
        footer = {ServerAction.EXAMPLES, "  orrery dead-letter cancel 01980f6e-5a10-7000-8b2d-5f3180000001"})
final class DeadLetterCancelCommand extends ServerAction {

    @Parameters(paramLabel = "REDRIVE", description = "Its id, as 'dead-letter redrives' tells it.")
    String redrive = "";

    DeadLetterCancelCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        if (!Dags.UUID_FORM.matcher(redrive).matches()) {
            throw CommandFailure.usage("'" + redrive + "' is no id of a redrive", "'dead-letter redrives' tells them");
        }
        var path = DeadLetters.PATH + "/redrives/" + redrive.toLowerCase(Locale.ROOT) + "/cancel";
        var answer = client().post(path, JsonObject.of(Map.of()));
        var object = answer.object();
        terminal()
                .line(
                        isJson()
                                ? answer.body()
                                : "cancelled after " + object.integer("redriven") + " letters; "
                                        + object.integer("refused") + " could not be dealt with");
        return ExitCode.OK.code();
    }
}
