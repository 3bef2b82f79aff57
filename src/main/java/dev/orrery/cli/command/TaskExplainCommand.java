package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.TextWidth;
import picocli.CommandLine.Command;

/** Says why a single task is not running. */
@Command(
        name = "explain",
        description = "Say why a single task is not running, and where it stands in the order.",
        footer = {ServerAction.EXAMPLES, "  orrery task explain 01980f6e-5a10-7000-8b2d-5f3180000001"})
final class TaskExplainCommand extends TaskAction {

    TaskExplainCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(path() + "/explain");
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var told = answer.object();
        var state = told.textOrEmpty("state");
        terminal().line(terminal().style().paint(StateColours.of(state), state) + ": " + clean(told, "summary"));
        var reasons = told.objects("reasons");
        reasons.stream().skip(1).forEach(reason -> terminal().line("  also: " + clean(reason, "message")));
        reasons.forEach(reason ->
                reason.texts("tasks").forEach(other -> terminal().line("  task: " + TextWidth.clean(other))));
        told.object("place").ifPresent(this::place);
        return ExitCode.OK.code();
    }

    private void place(JsonObject place) {
        var latest = place.text("latestStart").map(at -> ", to start by " + at).orElse("");
        var queue = place.text("queue")
                .map(name -> " in queue " + TextWidth.clean(name))
                .orElse("");
        var ahead = place.value("ahead") instanceof Number count ? count + " ahead" : "not in line yet";
        terminal()
                .line("place" + queue + ": " + ahead + ", priority "
                        + place.value("priority") + " (its own: " + place.value("calculatedPriority") + ")"
                        + latest);
    }

    private static String clean(JsonObject of, String field) {
        return TextWidth.clean(of.textOrEmpty(field));
    }
}
