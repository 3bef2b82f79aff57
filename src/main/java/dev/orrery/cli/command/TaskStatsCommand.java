package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import dev.orrery.cli.text.TextWidth;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Command;

/** Tells how many single tasks wait, and how fast they end. */
@Command(
        name = "stats",
        description =
                "Tell how many single tasks there are by state and queue, how long they wait, and how fast they end.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery task stats",
            "  orrery task stats --output json | jq '.states[] | select(.state == \"ready\") | .count'"
        })
final class TaskStatsCommand extends ServerAction {

    TaskStatsCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get("/api/v1/queue/stats");
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject stats) {
        if (stats.objects("states").isEmpty()) {
            terminal().line("all single tasks have ended");
        }
        for (var depth : stats.objects("states")) {
            var state = depth.textOrEmpty("state");
            terminal()
                    .line(terminal().style().paint(StateColours.of(state), state)
                            + " ".repeat(11 - state.length())
                            + depth.integer("count"));
        }
        waited(stats, "oldestReadySeconds")
                .ifPresent(time -> terminal().line("the oldest that is ready waits for " + time));
        queues(stats);
        throughput(stats);
        if (!stats.flag("isComplete").orElse(true)) {
            terminal().remark("there are more: so many were counted");
        }
    }

    private void queues(JsonObject stats) {
        if (stats.objects("queues").isEmpty()) {
            return;
        }
        var table = Table.of("QUEUE", "STATE", "PRIORITY#", "COUNT#", "OLDEST");
        for (var depth : stats.objects("queues")) {
            var state = depth.textOrEmpty("state");
            table.row(
                    cell(depth.text("queue").map(TextWidth::clean).orElse("-")),
                    cell(state, StateColours.of(state)),
                    cell(Integer.toString(depth.integer("priority"))),
                    cell(Integer.toString(depth.integer("count"))),
                    cell(waited(depth, "oldestReadySeconds").orElse("-")));
        }
        terminal().line("");
        terminal().table(table);
    }

    private void throughput(JsonObject stats) {
        var table = Table.of("IN THE LAST", "SUBMITTED#", "COMPLETED#", "FAILED#", "CANCELLED#");
        for (var window : stats.objects("throughput")) {
            table.row(
                    cell(HumanTime.of(Duration.ofSeconds(window.integer("windowSeconds")))),
                    cell(Integer.toString(window.integer("submitted"))),
                    cell(Integer.toString(window.integer("completed"))),
                    cell(Integer.toString(window.integer("failed"))),
                    cell(Integer.toString(window.integer("cancelled"))));
        }
        terminal().line("");
        terminal().table(table);
        if (stats.objects("throughput").stream()
                .anyMatch(window -> !window.flag("isComplete").orElse(true))) {
            terminal().remark("of the newest tasks alone: older ones may have ended too");
        }
    }

    private static Optional<String> waited(JsonObject numbers, String field) {
        return numbers.value(field) instanceof Number seconds
                ? Optional.of(HumanTime.of(Duration.ofMillis(Math.round(seconds.doubleValue() * 1_000))))
                : Optional.empty();
    }
}
