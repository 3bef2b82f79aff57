package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.TextWidth;
import java.time.Duration;
import java.time.Instant;
import picocli.CommandLine.Command;

/** Shows a job: when it fires, what it does, how it did. */
@Command(
        name = "show",
        description = "Show a job: when it fires, what it does, and how that went.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job show morning-report",
            "  orrery job show morning-report --output json | jq .nextRun"
        })
final class JobShowCommand extends JobAction {

    JobShowCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        if (isJson()) {
            terminal().line(found.toString());
            return ExitCode.OK.code();
        }
        timing(found, context.clock().instant());
        work(found);
        counts(found);
        terminal().remark("what it did: " + commandLine("job history " + ShellWord.of(job)));
        return ExitCode.OK.code();
    }

    private void timing(JsonObject found, Instant now) {
        var status = found.textOrEmpty("status");
        fact("job", found.textOrEmpty("name"));
        fact("id", found.textOrEmpty("id"));
        terminal().line(label("status") + terminal().style().paint(StateColours.of(status), status));
        found.text("error").ifPresent(error -> fact("error", error));
        fact("times", JobTexts.times(found) + " (" + found.textOrEmpty("timezone") + ")");
        found.time("startAt").ifPresent(at -> fact("not before", JobTexts.utc(at)));
        found.time("endAt").ifPresent(at -> fact("not after", JobTexts.utc(at)));
        if (found.number("maxExecutions") > 0) {
            fact("at most", found.number("maxExecutions") + " times");
        }
        if (!found.texts("excludedDates").isEmpty()) {
            fact("not on", String.join(", ", found.texts("excludedDates")));
        }
        found.time("nextRun").ifPresent(at -> fact("next", JobTexts.utc(at) + " (" + JobTexts.until(at, now) + ")"));
        found.time("lastRun").ifPresent(at -> fact("last", JobTexts.utc(at) + " (" + HumanTime.ago(at, now) + ")"));
        fact("misfire", found.textOrEmpty("misfire"));
        fact("overlap", found.textOrEmpty("overlap"));
    }

    private void work(JsonObject found) {
        fact("does", JobTexts.work(found));
        found.json("payload").ifPresent(payload -> fact("payload", payload));
        if (!found.textOrEmpty("handlerType").equals("workflow")) {
            fact(
                    "retries",
                    found.integer("maxRetries") + ", the first after "
                            + HumanTime.of(Duration.ofMillis(found.number("retryDelayMs"))));
            fact("timeout", HumanTime.of(Duration.ofMillis(found.number("timeoutMs"))));
            if (found.json("totalTimeoutMs").isPresent()) {
                fact("in all", HumanTime.of(Duration.ofMillis(found.number("totalTimeoutMs"))));
            }
            if (!found.texts("retryOn").isEmpty()) {
                fact("retry on", String.join(", ", found.texts("retryOn")));
            }
            if (!found.texts("giveUpOn").isEmpty()) {
                fact("give up on", String.join(", ", found.texts("giveUpOn")));
            }
            fact("priority", found.textOrEmpty("priority"));
        }
        if (!found.texts("tags").isEmpty()) {
            fact("tags", String.join(", ", found.texts("tags")));
        }
        found.json("metadata").ifPresent(metadata -> fact("metadata", metadata));
        found.text("createdBy").ifPresent(who -> fact("created by", who));
    }

    private void counts(JsonObject found) {
        var average = found.json("avgDurationMs").isPresent()
                ? ", " + HumanTime.of(Duration.ofMillis(found.number("avgDurationMs"))) + " on average"
                : "";
        fact(
                "executions",
                found.number("executionsCount") + " (" + found.number("successCount") + " succeeded, "
                        + found.number("failureCount") + " failed" + average + ")");
    }

    private void fact(String name, String text) {
        terminal().line(label(name) + TextWidth.clean(text));
    }

    private static String label(String name) {
        return name + " ".repeat(13 - name.length());
    }
}
