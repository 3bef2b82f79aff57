package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Closes dead letters. */
@Command(
        name = "discard",
        description =
                "Close dead letters whose tasks stay as they ended: those that are named, or all that are found (--all).",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dead-letter discard 01980f6e-5a10-7000-8b2d-5f3180000001 --reason 'the order was cancelled'",
            "  orrery dead-letter discard --all --fingerprint 0f3b5c7d9e1a2b4c --reason 'known' --dry-run"
        })
final class DeadLetterDiscardCommand extends ServerAction {

    @Parameters(paramLabel = "LETTER", arity = "0..*", description = "The ids of letters.")
    List<String> letters = List.of();

    @Option(names = "--all", description = "All open letters that the options for searching find.")
    boolean all;

    @Mixin
    DeadLetters.Filter filter = new DeadLetters.Filter();

    @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why; kept with the letters.")
    String reason = "";

    @Option(names = "--by", paramLabel = "NAME", description = "Who decides; kept with the letters.")
    @Nullable String by;

    @Option(names = "--dry-run", description = "Only tell how many there are.")
    boolean dryRun;

    DeadLetterDiscardCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        DeadLetters.requireSaid(all, letters, filter);
        var body = new LinkedHashMap<String, @Nullable Object>();
        body.put("reason", reason);
        if (by != null) {
            body.put("by", by);
        }
        var isOne = letters.size() == 1 && !dryRun;
        var answer = isOne
                ? DeadLetters.post(client(), DeadLetters.path(letters.getFirst()) + "/discard", body)
                : many(body);
        DeadLetters.told(this, answer, isOne, dryRun ? Optional.of("discarded") : Optional.empty());
        return ExitCode.OK.code();
    }

    private ApiClient.Answer many(Map<String, @Nullable Object> body) {
        DeadLetters.putWhich(body, all, letters, filter);
        body.put("dryRun", dryRun);
        return DeadLetters.post(client(), DeadLetters.PATH + "/discard", body);
    }
}
