package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What the commands about single tasks have in common. */
final class Tasks {

    static final String PATH = "/api/v1/tasks";

    /** The states in which a task has ended. */
    static final Set<String> ENDS = Set.of("completed", "failed", "cancelled");

    private Tasks() {}

    /** The path of the task of this id; a usage failure where it is none. */
    static String path(String id) {
        if (!Dags.UUID_FORM.matcher(id).matches()) {
            throw CommandFailure.usage("'" + id + "' is no id of a task", "'task list' tells them");
        }
        return PATH + "/" + id.toLowerCase(Locale.ROOT);
    }

    static boolean hasEnded(JsonObject task) {
        return ENDS.contains(task.textOrEmpty("state"));
    }

    /** Tasks as the lists of the API have them. */
    static Table table(List<JsonObject> tasks, Instant now) {
        var table = Table.of("TASK", "STATE", "SUBMITTED", "PRIORITY#", "QUEUE", "NAME");
        for (var task : tasks) {
            var state = task.textOrEmpty("state");
            table.row(
                    cell(task.textOrEmpty("id")),
                    cell(state, StateColours.of(state)),
                    cell(task.time("submittedAt")
                            .map(at -> HumanTime.ago(at, now))
                            .orElse("-")),
                    cell(Integer.toString(task.integer("priority"))),
                    cell(task.text("queue").orElse("-")),
                    cell(task.textOrEmpty("name")));
        }
        return table;
    }
}
