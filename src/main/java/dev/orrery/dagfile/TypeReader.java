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
import dev.orrery.domain.task.SecretReferences;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** Reads what a task does. Where a field is wrong, which is then noted, something harmless stands in its place. */
final class TypeReader {

    private static final String DEFAULT_METHOD = "GET";
    private static final String HANDLER_HELP = "write the name of the handler, such as 'handler: echo'";
    private static final String AGENT_HELP = "write the name of what remote workers offer, such as 'handler: resize'";

    private static final String IN_ENV = "name it in 'env', such as 'NAME: ${{ secrets.NAME }}'";

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
        refuseSecrets("command", IN_ENV + ", and write \"$NAME\" here");
        return new Shell(
                task.text("command", TextRule.NOT_BLANK).orElse(""),
                env(),
                task.text("workingDirectory", TextRule.PATH));
    }

    private Http http() {
        task.requirePresent("url", "write where the request goes, such as 'url: https://example.org/'");
        refuseSecrets(
                "url",
                "URLs are logged: send the secret in a header, such as 'Authorization: Bearer ${{ secrets.NAME }}'");
        return new Http(
                task.text("method", TextRule.METHOD).orElse(DEFAULT_METHOD),
                task.text("url", TextRule.URL).orElse(""),
                headers(),
                body());
    }

    private Optional<Json> body() {
        var body = task.json("body");
        if (body.isPresent() && !SecretReferences.areWhole(body.get().text())) {
            task.refuse(
                    "body",
                    TextRule.WITH_SECRETS.code(),
                    "'body' " + TextRule.WITH_SECRETS.demand(),
                    TextRule.WITH_SECRETS.help());
        }
        return body;
    }

    private Python python() {
        refuseSecrets("code", IN_ENV + ", and read os.environ['NAME'] here");
        var args = task.textList("args", TextRule.ANY);
        if (args.stream().anyMatch(SecretReferences::standIn)) {
            refuseSecret("args", "every process of the machine can see arguments: " + IN_ENV);
        }
        return new Python(
                source(),
                args,
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
        return new Handler(handlerName(HANDLER_HELP), input());
    }

    private Agent agent() {
        refuseQueue();
        return new Agent(handlerName(AGENT_HELP), input());
    }

    private Json input() {
        var input = task.json("input").orElse(Json.NULL);
        if (SecretReferences.standIn(input.text())) {
            refuseSecret("input", "inputs are stored and shown: let the handler find its secrets itself");
        }
        return input;
    }

    private void refuseSecrets(String name, String help) {
        if (task.value(name).orElse(null) instanceof YamlNode.Scalar scalar
                && SecretReferences.standIn(scalar.text())) {
            refuseSecret(name, help);
        }
    }

    private void refuseSecret(String name, String help) {
        task.refuse(
                name,
                ProblemCode.BAD_SECRET,
                Quoted.of(name) + " names a secret; they stand in 'env', 'headers' and 'body' only",
                help);
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
        return task.texts("env", TextRule.VARIABLE_NAME, TextRule.WITH_SECRETS);
    }

    private Map<String, String> headers() {
        var headers = task.texts("headers", TextRule.HEADER, TextRule.HEADER_VALUE);
        if (!headers.values().stream().allMatch(SecretReferences::areWhole)) {
            task.refuse(
                    "headers",
                    TextRule.WITH_SECRETS.code(),
                    "'headers' " + TextRule.WITH_SECRETS.demand(),
                    TextRule.WITH_SECRETS.help());
        }
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
