package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.text.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Shows one dead letter. */
@Command(
        name = "show",
        description = "Show a dead letter with its task, its input, its attempts and what was decided about it.",
        footer = {ServerAction.EXAMPLES, "  orrery dead-letter show 01980f6e-5a10-7000-8b2d-5f3180000001"})
final class DeadLetterShowCommand extends ServerAction {

    @Parameters(paramLabel = "LETTER", description = "The letter's id.")
    String letter = "";

    DeadLetterShowCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(DeadLetters.path(letter));
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var shown = answer.object();
        terminal()
                .line(DeadLetters.where(shown) + " " + shown.textOrEmpty("outcome") + " at "
                        + shown.textOrEmpty("createdAt") + ", the letter is " + shown.textOrEmpty("state"));
        terminal().line("task         " + shown.textOrEmpty("taskInstanceId"));
        shown.text("runId").ifPresent(run -> terminal().line("run          " + run));
        terminal().line("fingerprint  " + shown.textOrEmpty("fingerprint"));
        terminal().line("error        " + shown.text("error").orElse("-"));
        shown.text("resolvedBy")
                .ifPresent(by -> terminal()
                        .line("decided by   " + by + " at " + shown.textOrEmpty("resolvedAt")
                                + shown.text("reason").map(why -> ": " + why).orElse("")));
        shown.text("redriveId").ifPresent(redrive -> terminal().line("asked for    by redrive " + redrive));
        shown.json("definition").ifPresent(json -> terminal().line("definition   " + json));
        shown.json("input").ifPresent(json -> terminal().line("input        " + json));
        shown.json("redriveInput").ifPresent(json -> terminal().line("sent back    with the input " + json));
        shown.json("lastOutput").ifPresent(json -> terminal().line("last output  " + json));
        var table = Table.of("ATTEMPT#", "OUTCOME", "STARTED", "ERROR");
        for (var attempt : shown.objects("attempts")) {
            table.row(
                    cell(Integer.toString(attempt.integer("attempt"))),
                    cell(attempt.text("outcome").orElse("-")),
                    cell(attempt.text("startedAt").orElse("-")),
                    cell(DeadLetters.error(attempt)));
        }
        terminal().table(table);
        terminal()
                .remark("what it printed: "
                        + commandLine(shown.text("runId")
                                .map(run -> "run logs " + run + " " + shown.textOrEmpty("name"))
                                .orElseGet(() -> "task logs " + shown.textOrEmpty("taskInstanceId"))));
        return ExitCode.OK.code();
    }
}
