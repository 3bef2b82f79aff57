package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import picocli.CommandLine.Parameters;

/** What all commands have in common that are about one queue. */
abstract class QueueAction extends ServerAction {

    @Parameters(paramLabel = "QUEUE", description = "The queue's name.")
    String queue = "";

    QueueAction(Context context) {
        super(context);
    }

    final String path() {
        return "/api/v1/queues/" + ApiClient.encode(queue);
    }

    /** Says what was done, or for programs what the node answered. */
    final int done(ApiClient.Answer answer, String done) {
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            terminal().line(terminal().style().succeededMark() + " " + done);
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    final void show(JsonObject found) {
        fact("queue", found.textOrEmpty("name"));
        fact("status", found.flag("paused").orElse(false) ? "paused" : "open");
        fact("weight", Integer.toString(found.integer("weight")));
        fact(
                "max running",
                QueueTexts.most(found)
                        + QueueTexts.number(found, "running")
                                .map(count -> " (" + count + " now)")
                                .orElse(""));
        fact("rate", QueueTexts.rate(found));
    }

    private void fact(String name, String text) {
        terminal().line(name + " ".repeat(13 - name.length()) + text);
    }
}
