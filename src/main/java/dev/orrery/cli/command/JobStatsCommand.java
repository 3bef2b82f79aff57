package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import dev.orrery.domain.task.Durations;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Tells how a job did. */
@Command(
        name = "stats",
        description = "Tell how a job did lately: counts, share of success, durations, last failures.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job stats morning-report",
            "  orrery job stats morning-report --window 30d --output json | jq .successRate"
        })
final class JobStatsCommand extends JobAction {

    @Option(names = "--window", paramLabel = "DURATION", description = "How far back, in whole hours (default: 24h).")
    String window = "24h";

    JobStatsCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        var answer = client.get(Jobs.path(found) + "/stats?windowHours=" + hours());
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    private long hours() {
        return Durations.parse(window)
                .filter(asked -> asked.isPositive() && asked.equals(Duration.ofHours(asked.toHours())))
                .map(Duration::toHours)
                .orElseThrow(() -> CommandFailure.usage(
                        "--window '" + window + "' is no number of whole hours", "write it like 24h, or 30d"));
    }

    private void show(JsonObject stats) {
        terminal().line("of the last  " + Durations.text(Duration.ofHours(stats.integer("windowHours"))));
        terminal()
                .line("executions   " + stats.number("executions") + " (" + stats.number("successes") + " succeeded, "
                        + stats.number("failures") + " failed, " + stats.number("timeouts") + " timed out, "
                        + stats.number("cancellations") + " cancelled, " + stats.number("open") + " open)");
        terminal().line("left out     " + stats.number("skips"));
        if (stats.value("successRate") instanceof Number rate) {
            var percent = new BigDecimal(rate.toString()).movePointRight(2).setScale(1, RoundingMode.FLOOR);
            terminal().line("success      " + percent + "%");
        }
        if (stats.json("avgDurationMs").isPresent()) {
            terminal()
                    .line("took         " + millis(stats, "avgDurationMs") + " on average; half within "
                            + millis(stats, "p50DurationMs") + ", 95% within " + millis(stats, "p95DurationMs")
                            + ", 99% within " + millis(stats, "p99DurationMs"));
        }
        var failures = stats.objects("lastFailures");
        if (!failures.isEmpty()) {
            var table = Table.of("FAILED", "ID", "ERROR");
            failures.forEach(failure -> table.row(
                    cell(failure.time("scheduledAt").map(JobTexts::utc).orElse("-")),
                    cell(failure.textOrEmpty("id")),
                    cell(failure.text("error").orElse(""))));
            terminal().line("");
            terminal().table(table);
        }
    }

    private static String millis(JsonObject stats, String name) {
        return HumanTime.of(Duration.ofMillis(stats.number(name)));
    }
}
