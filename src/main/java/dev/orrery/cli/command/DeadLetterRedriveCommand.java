package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
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

/** Sends dead letters back. */
@Command(
        name = "redrive",
        description = {
            "Send dead letters back: those that are named, or all that are found (--all).",
            "What is found is as it stands now: what fails again meanwhile is not taken twice."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dead-letter redrive 01980f6e-5a10-7000-8b2d-5f3180000001",
            "  orrery dead-letter redrive --all --fingerprint 0f3b5c7d9e1a2b4c --dry-run",
            "  orrery dead-letter redrive --all --queue mail --rate 50",
            "  orrery dead-letter redrive --all --fingerprint 0f3b5c7d9e1a2b4c --patch '{\"region\": \"eu\"}'"
        })
final class DeadLetterRedriveCommand extends ServerAction {

    @Parameters(paramLabel = "LETTER", arity = "0..*", description = "The ids of letters.")
    List<String> letters = List.of();

    @Option(names = "--all", description = "All open letters that the options for searching find.")
    boolean all;

    @Mixin
    DeadLetters.Filter filter = new DeadLetters.Filter();

    @Option(names = "--as-of", paramLabel = "TIME", description = "Nothing that was written later (default: now).")
    @Nullable String asOf;

    @Option(names = "--rate", paramLabel = "N", description = "At most so many in a second.")
    @Nullable Integer rate;

    @Option(
            names = "--input",
            paramLabel = "JSON",
            description = "What each task is given from now on, or @FILE (default: what it was given).")
    @Nullable String input;

    @Option(
            names = "--patch",
            paramLabel = "JSON",
            description = "What is changed of what each task was given, or @FILE: an object; null takes a member out.")
    @Nullable String patch;

    @Option(names = "--by", paramLabel = "NAME", description = "Who decides; kept with the letters.")
    @Nullable String by;

    @Option(names = "--dry-run", description = "Only tell how many there are.")
    boolean dryRun;

    DeadLetterRedriveCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        DeadLetters.requireSaid(all, letters, filter);
        var isOne = letters.size() == 1 && !dryRun && asOf == null && rate == null;
        if (input != null && patch != null) {
            throw CommandFailure.usage(
                    "--input and --patch exclude each other", "give a whole input, or what is changed of each");
        }
        var answer = isOne ? one() : many();
        DeadLetters.told(this, answer, isOne, dryRun ? Optional.of("sent back") : Optional.empty());
        return ExitCode.OK.code();
    }

    private ApiClient.Answer one() {
        var body = new LinkedHashMap<String, @Nullable Object>();
        putEdit(body);
        putBy(body);
        return DeadLetters.post(client(), DeadLetters.path(letters.getFirst()) + "/redrive", body);
    }

    private ApiClient.Answer many() {
        var body = new LinkedHashMap<String, @Nullable Object>();
        DeadLetters.putWhich(body, all, letters, filter);
        if (asOf != null) {
            body.put("asOf", DeadLetters.time("--as-of", asOf));
        }
        if (rate != null) {
            body.put("ratePerSecond", rate);
        }
        body.put("dryRun", dryRun);
        putEdit(body);
        putBy(body);
        return DeadLetters.post(client(), DeadLetters.PATH + "/redrive", body);
    }

    private void putEdit(Map<String, @Nullable Object> body) {
        if (input != null) {
            body.put("input", Events.json(context, "--input", input));
        }
        if (patch != null) {
            body.put("inputPatch", Events.json(context, "--patch", patch));
        }
    }

    private void putBy(Map<String, @Nullable Object> body) {
        if (by != null) {
            body.put("by", by);
        }
    }
}
