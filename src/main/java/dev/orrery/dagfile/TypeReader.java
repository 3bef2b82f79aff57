package dev.orrery.dagfile;

import dev.orrery.domain.Json;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.dag.TaskType.Agent;
import dev.orrery.domain.dag.TaskType.AgentCall;
import dev.orrery.domain.dag.TaskType.FunctionCall;
import dev.orrery.domain.dag.TaskType.Handler;
import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.dag.TaskType.Python;
import dev.orrery.domain.dag.TaskType.PythonSource;
import dev.orrery.domain.dag.TaskType.PythonSource.Code;
import dev.orrery.domain.dag.TaskType.PythonSource.Script;
import dev.orrery.domain.dag.TaskType.Shell;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/** Reads what a task does. Where a field is wrong, which is then noted, something harmless stands in its place. */
final class TypeReader {

    private static final String DEFAULT_METHOD = "GET";
    private static final String HANDLER_HELP = "write the name of the handler, such as 'handler: echo'";
    private static final String AGENT_HELP = "write the name of what remote workers offer, such as 'handler: resize'";

    private final Fields task;

    TypeReader(Fields task) {
        this.task = task;
    }

    TaskType read(String type) {
        return switch (type) {
            case "shell" -> shell();
            case "http" -> http();
            case "python" -> python();
            case "handler" -> handler();
            case "agent" -> agent();
            default -> throw new IllegalArgumentException("no task type is called " + type);
        };
    }

    /** As {@link #read}, of a task whose input stands beside its type. */
    TaskType readCall(String type) {
        return switch (type) {
            case "handler" -> new FunctionCall(handlerName(HANDLER_HELP));
            case "agent" -> {
                refuseQueue();
                yield new AgentCall(handlerName(AGENT_HELP));
            }
            default -> read(type);
        };
    }

    private Shell shell() {
        task.requirePresent("command", "write what /bin/sh is to run, such as 'command: ./extract.sh'");
        return new Shell(
                task.text("command", TextRule.NOT_BLANK).orElse(""),
                env(),
                task.text("workingDirectory", TextRule.PATH));
    }

    private Http http() {
        task.requirePresent("url", "write where the request goes, such as 'url: https://example.org/'");
        return new Http(
                task.text("method", TextRule.METHOD).orElse(DEFAULT_METHOD),
                task.text("url", TextRule.URL).orElse(""),
                headers(),
                task.json("body"));
    }

    private Python python() {
        return new Python(
                source(),
                task.textList("args", TextRule.ANY),
                env(),
                task.text("virtualEnv", TextRule.PATH),
                task.text("workingDirectory", TextRule.PATH));
    }

    private PythonSource source() {
        if (task.has("script") && task.has("code")) {
            task.refuse(
                    "code",
                    ProblemCode.CONFLICTING_FIELDS,
                    "'script' names a file and 'code' is the program itself; a task has one of them",
                    "remove one of them");
        }
        if (!task.has("script") && !task.has("code")) {
            task.requirePresent("script", "write 'script: path/to/program.py', or the program under 'code: |'");
        }
        var script = task.text("script", TextRule.PATH);
        var code = task.text("code", TextRule.NOT_BLANK);
        return script.<PythonSource>map(Script::new).orElseGet(() -> new Code(code.orElse("")));
    }

    private Handler handler() {
        return new Handler(handlerName(HANDLER_HELP), task.json("input").orElse(Json.NULL));
    }

    private Agent agent() {
        refuseQueue();
        return new Agent(handlerName(AGENT_HELP), task.json("input").orElse(Json.NULL));
    }

    private String handlerName(String help) {
        task.requirePresent("handler", help);
        return task.text("handler", TextRule.HANDLER_NAME).orElse("");
    }

    private void refuseQueue() {
        if (task.has("queue")) {
            task.refuse(
                    "queue",
                    ProblemCode.CONFLICTING_FIELDS,
                    "an agent task waits for a remote worker that offers its handler, in no queue of nodes",
                    "remove it; the handler's name says who gets the task");
        }
    }

    private Map<String, String> env() {
        return task.texts("env", TextRule.VARIABLE_NAME, TextRule.ANY);
    }

    private Map<String, String> headers() {
        var headers = task.texts("headers", TextRule.HEADER, TextRule.HEADER_VALUE);
        var names = new TreeSet<String>();
        for (var name : headers.keySet()) {
            if (!names.add(name.toLowerCase(Locale.ROOT))) {
                task.refuse(
                        "headers",
                        ProblemCode.BAD_HEADER,
                        "the header " + Quoted.of(name) + " stands twice: capital letters make no difference",
                        "remove one of the two");
            }
        }
        return headers;
    }
}
