package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.Map;
import picocli.CommandLine.Parameters;

/** What pausing and resuming a DAG have in common. */
abstract class DagSwitch extends ServerAction {

    @Parameters(paramLabel = "DAG", description = "The DAG's name or id.")
    String dag = "";

    private final String call;
    private final String done;

    DagSwitch(Context context, String call, String done) {
        super(context);
        this.call = call;
        this.done = done;
    }

    @Override
    public final Integer call() {
        var client = client();
        var found = new Dags(client).find(dag);
        var answer = client.post("/api/v1/dags/" + found.textOrEmpty("id") + "/" + call, JsonObject.of(Map.of()));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            var name = found.textOrEmpty("name");
            terminal().line(terminal().style().succeededMark() + " " + done + " " + TextWidth.clean(name));
            terminal().remark(next(name));
        }
        return ExitCode.OK.code();
    }

    /** What one may want to do after it. */
    abstract String next(String name);
}
