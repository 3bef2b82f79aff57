package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Puts a single task off that has not begun. */
@Command(
        name = "snooze",
        description = "Put a single task off that has not begun: by a time from now on, or until a time.",
        footer = {ServerAction.EXAMPLES, "  orrery task snooze 01980f6e-5a10-7000-8b2d-5f3180000001 --for 10m"})
final class TaskSnoozeCommand extends TaskAction {

    @Option(names = "--for", paramLabel = "DURATION", description = "By how much, such as 10m or 2h.")
    Optional<String> time = Optional.empty();

    @Option(names = "--until", paramLabel = "TIME", description = "Until when, such as 2026-12-24T18:00Z.")
    Optional<String> until = Optional.empty();

    TaskSnoozeCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        if (time.isPresent() == until.isPresent()) {
            throw CommandFailure.usage("give either --for or --until", "'--for 10m' puts it off by ten minutes");
        }
        Map<String, Object> body = time.<Map<String, Object>>map(given -> Map.of("for", given))
                .orElseGet(() -> Map.of("notBefore", JobTexts.time("--until", until.orElseThrow(), ZoneOffset.UTC)));
        var answer = client().post(path() + "/snooze", JsonObject.of(body));
        return done(
                answer,
                "the task does not begin before "
                        + TextWidth.clean(answer.object().textOrEmpty("notBefore")));
    }
}
