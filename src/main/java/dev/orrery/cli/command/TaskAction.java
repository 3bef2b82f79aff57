package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import picocli.CommandLine.Parameters;

/** What all commands have in common that are about one single task. */
abstract class TaskAction extends ServerAction {

    @Parameters(paramLabel = "TASK", description = "The task's id.")
    String task = "";

    TaskAction(Context context) {
        super(context);
    }

    /** Where the task is found; a usage failure where what was given is no id of a task. */
    final String path() {
        return Tasks.path(task);
    }

    /** Asks for this to be done to the task, with nothing more to say. */
    final ApiClient.Answer ask(String what) {
        return client().post(path() + "/" + what, JsonObject.of(Map.of()));
    }

    /** Says what was done, or for programs what the node answered. */
    final int done(ApiClient.Answer answer, String done) {
        terminal().line(isJson() ? answer.body() : done);
        return ExitCode.OK.code();
    }
}
