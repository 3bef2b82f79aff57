package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Closes a dead letter. */
@Command(
        name = "discard",
        description = "Close a dead letter whose task stays as it ended.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dead-letter discard 01980f6e-5a10-7000-8b2d-5f3180000001 --reason 'the order was cancelled'"
        })
final class DeadLetterDiscardCommand extends ServerAction {

    @Parameters(paramLabel = "LETTER", description = "The letter's id.")
    String letter = "";

    @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why; kept with the letter.")
    String reason = "";

    @Option(names = "--by", paramLabel = "NAME", description = "Who decides; kept with the letter.")
    @Nullable String by;

    DeadLetterDiscardCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var body = new LinkedHashMap<String, @Nullable Object>();
        body.put("reason", reason);
        if (by != null) {
            body.put("by", by);
        }
        var answer = client().post(DeadLetters.path(letter) + "/discard", JsonObject.of(body));
        terminal()
                .line(
                        isJson()
                                ? answer.body()
                                : "the letter is " + answer.object().textOrEmpty("state"));
        return ExitCode.OK.code();
    }
}
