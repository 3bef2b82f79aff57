package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import dev.orrery.cli.text.TextWidth;
import java.time.Instant;
import java.util.List;
import picocli.CommandLine.Command;

/** Shows a single task. */
@Command(
        name = "show",
        description = "Show a single task: what it does, what it waits for, what waits for it, and its attempts.",
        footer = {ServerAction.EXAMPLES, "  orrery task show 01980f6e-5a10-7000-8b2d-5f3180000001"})
final class TaskShowCommand extends TaskAction {

    TaskShowCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(path());
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var found = answer.object();
        state(found, context.clock().instant());
        work(found);
        related("waits for", found.objects("blockedBy"), found.integer("blockedByCount"));
        related("blocks", found.objects("blocks"), found.integer("blocksCount"));
        attempts(found.objects("attempts"));
        terminal().remark("what it printed: " + commandLine("task logs " + found.textOrEmpty("id")));
        return ExitCode.OK.code();
    }

    private void state(JsonObject found, Instant now) {
        var state = found.textOrEmpty("state");
        fact("task", found.textOrEmpty("name"));
        fact("id", found.textOrEmpty("id"));
        terminal().line(label("state") + terminal().style().paint(StateColours.of(state), state));
        found.text("error").ifPresent(error -> fact("error", error));
        found.text("waitingFor").ifPresent(why -> fact("waiting for", why));
        found.time("submittedAt")
                .ifPresent(at -> fact("submitted", JobTexts.utc(at) + " (" + HumanTime.ago(at, now) + ")"));
        found.time("notBefore").ifPresent(at -> fact("not before", JobTexts.utc(at)));
        found.time("nextAttemptAt").ifPresent(at -> fact("again", JobTexts.until(at, now)));
        found.time("startedAt").ifPresent(at -> fact("started", JobTexts.utc(at)));
        found.time("completedAt").ifPresent(at -> fact("ended", JobTexts.utc(at)));
        found.time("deadline").ifPresent(at -> fact("deadline", JobTexts.utc(at)));
    }

    private void work(JsonObject found) {
        found.json("definition").ifPresent(does -> fact("does", does));
        found.json("input").ifPresent(input -> fact("input", input));
        found.json("result").ifPresent(result -> fact("result", result));
        found.text("queue").ifPresent(queue -> fact("queue", queue));
        fact(
                "priority",
                found.integer("priority") + ", calculated "
                        + found.json("calculatedPriority").orElse("-"));
        fact("retries", found.integer("retryCount") + " of " + found.integer("maxRetries"));
        fact(
                "source",
                found.textOrEmpty("source")
                        + found.text("createdBy").map(who -> ", by " + who).orElse(""));
        found.text("parentTaskId").ifPresent(parent -> fact("parent", parent));
        found.text("sessionId").ifPresent(session -> fact("session", session));
        found.text("uniqueKey").ifPresent(key -> fact("unique key", key));
        found.text("concurrencyKey").ifPresent(key -> fact("counted by", key));
        if (!found.texts("tags").isEmpty()) {
            fact("tags", String.join(", ", found.texts("tags")));
        }
    }

    private void related(String label, List<JsonObject> tasks, int count) {
        for (var each : tasks) {
            fact(label, each.textOrEmpty("id") + " " + each.textOrEmpty("state") + " " + each.textOrEmpty("name"));
        }
        if (count > tasks.size()) {
            fact(label, "and " + (count - tasks.size()) + " more");
        }
    }

    private void attempts(List<JsonObject> attempts) {
        if (attempts.isEmpty()) {
            return;
        }
        var table = Table.of("ATTEMPT#", "OUTCOME", "STARTED", "ENDED", "ERROR");
        for (var attempt : attempts) {
            table.row(
                    cell(Integer.toString(attempt.integer("attempt"))),
                    cell(attempt.text("outcome").orElse("running")),
                    cell(attempt.time("startedAt").map(JobTexts::utc).orElse("-")),
                    cell(attempt.time("completedAt").map(JobTexts::utc).orElse("-")),
                    cell(attempt.text("error").orElse("")));
        }
        terminal().table(table);
    }

    private void fact(String name, String text) {
        terminal().line(label(name) + TextWidth.clean(text));
    }

    private static String label(String name) {
        return name + " ".repeat(13 - name.length());
    }
}
