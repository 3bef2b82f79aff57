package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Submits single tasks: one that is described by options, or many from a file. */
@Command(
        name = "submit",
        description = {
            "Submit a task that belongs to no DAG, or many of them from a file with a JSON object in each line.",
            "A file is sent in batches, each as a whole or not at all; its tasks may name one another by 'ref' within a batch.",
            "With --wait the exit code tells whether all completed; Ctrl-C then ends the waiting, not the tasks."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery task submit --shell './resize.sh 4711.png' --priority 8 --wait",
            "  orrery task submit --handler echo --input '{\"image\": 7}' \\",
            "      --deadline 2026-12-24T18:00Z --estimate 90",
            "  orrery task submit --agent resize --input @image.json \\",
            "      --after 01980f6e-5a10-7000-8b2d-5f3180000001",
            "  orrery task submit --file tasks.jsonl",
            "  generate-tasks | orrery task submit --file - --batch 5000"
        })
final class TaskSubmitCommand extends ServerAction {

    @Option(names = "--shell", paramLabel = "COMMAND", order = 1, description = "Run this with /bin/sh.")
    @Nullable String shell;

    @Option(names = "--handler", paramLabel = "NAME", order = 2, description = "Call this handler.")
    @Nullable String handler;

    @Option(names = "--agent", paramLabel = "NAME", order = 3, description = "Have a remote worker do this.")
    @Nullable String agent;

    @Option(names = "--python", paramLabel = "SCRIPT", order = 4, description = "Run this program of the node's.")
    @Nullable String python;

    @Option(names = "--http", paramLabel = "URL", order = 5, description = "Send a request there.")
    @Nullable String http;

    @Option(names = "--method", paramLabel = "METHOD", order = 6, description = "Of the request (default: GET).")
    @Nullable String method;

    @Option(
            names = "--file",
            paramLabel = "FILE",
            order = 7,
            description = "A file of tasks as JSON, one a line; - is standard input.")
    @Nullable String file;

    @Option(
            names = "--input",
            paramLabel = "JSON",
            order = 10,
            description = "What it is given: any JSON, or @FILE that holds it. Programs find it in $$ORRERY_PARAMS.")
    @Nullable String input;

    @Option(names = "--name", paramLabel = "NAME", order = 11, description = "What to call it.")
    @Nullable String name;

    @Option(names = "--queue", paramLabel = "QUEUE", order = 12, description = "Where it waits (default: default).")
    @Nullable String queue;

    @Option(names = "--priority", paramLabel = "N", order = 13, description = "0 (patient) to 10 (default: 5).")
    @Nullable Integer priority;

    @Option(
            names = "--deadline",
            paramLabel = "TIME",
            order = 14,
            description = "When it should have ended, such as 2026-12-24T18:00Z.")
    @Nullable String deadline;

    @Option(names = "--estimate", paramLabel = "SECONDS", order = 15, description = "How long it takes.")
    @Nullable Double estimate;

    @Option(
            names = "--after",
            paramLabel = "TASK",
            order = 16,
            description = "It begins when this task has completed; may be repeated.")
    List<String> after = List.of();

    @Option(names = "--not-before", paramLabel = "TIME", order = 17, description = "It does not begin before.")
    @Nullable String notBefore;

    @Option(names = "--parent", paramLabel = "TASK", order = 18, description = "The task for which it is done.")
    @Nullable String parent;

    @Option(
            names = "--wait-for-children",
            order = 18,
            description = "It ends only when its children have, and fails where one of them did not succeed.")
    boolean waitsForChildren;

    @Option(names = "--session", paramLabel = "TEXT", order = 19, description = "What groups tasks.")
    @Nullable String session;

    @Option(
            names = "--source",
            paramLabel = "SOURCE",
            order = 20,
            description = "Where it comes from (default: human).")
    @Nullable String source;

    @Option(names = "--created-by", paramLabel = "TEXT", order = 21, description = "Who asks for it.")
    @Nullable String createdBy;

    @Option(names = "--tag", paramLabel = "TAG", order = 22, description = "A word to find it by; may be repeated.")
    List<String> tags = List.of();

    @Option(names = "--timeout", paramLabel = "DURATION", order = 41, description = "Of one attempt (default: 30m).")
    @Nullable String timeout;

    @Option(
            names = "--retries",
            paramLabel = "N",
            order = 42,
            description = "How often it is tried again (default: 3).")
    @Nullable Integer retries;

    @Mixin
    RetryOptions tries = new RetryOptions();

    @Option(
            names = "--unique-key",
            paramLabel = "KEY",
            order = 44,
            description = "Of all tasks with this key only one has not ended.")
    @Nullable String uniqueKey;

    @Option(
            names = "--on-conflict",
            paramLabel = "CHOICE",
            order = 45,
            description = "Where another task has the key: return it (the default), replace it, or refuse this one.")
    @Nullable String onConflict;

    @Option(
            names = "--concurrency-key",
            paramLabel = "KEY",
            order = 46,
            description = "What limits of concurrency count it by.")
    @Nullable String concurrencyKey;

    @Option(
            names = "--batch",
            paramLabel = "N",
            order = 50,
            description = "How many tasks of a file are sent at once, 1 to 10000 (default: 1000).")
    int batch = 1_000;

    @Option(
            names = "--key",
            paramLabel = "KEY",
            order = 51,
            description =
                    "A name for this submission: repeated with the same one within 24 hours, it submits only what is missing.")
    @Nullable String key;

    @Option(names = "--wait", order = 52, description = "Wait until all of it has ended.")
    boolean wait;

    TaskSubmitCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        if (file == null) {
            return one();
        }
        if (!fields().isEmpty()) {
            throw CommandFailure.usage(
                    "--file and a task by options exclude each other", "write everything of the tasks into the file");
        }
        if (batch < 1 || batch > TaskFile.MAX_BATCH) {
            throw CommandFailure.usage("--batch must be 1 to " + TaskFile.MAX_BATCH + ", is " + batch, "leave it out");
        }
        return new TaskFile(context, client(), this::commandLine, isJson()).submit(file, batch, key, wait);
    }

    private int one() {
        var kinds = Stream.of(shell, handler, agent, python, http)
                .filter(kind -> kind != null)
                .count();
        if (kinds != 1) {
            throw CommandFailure.usage(
                    kinds == 0 ? "it is not said what to do" : "more than one thing to do is given",
                    "give one of --shell, --handler, --agent, --python, --http, or --file");
        }
        var client = client();
        var body = JsonObject.of(fields());
        var answer = submitted(client, body);
        var task = answer.object();
        if (wait) {
            return new TaskWait(context, client, isJson()).untilItEnds(task.textOrEmpty("id"));
        }
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            terminal()
                    .line(terminal().style().succeededMark() + " " + TextWidth.clean(task.textOrEmpty("name")) + " is "
                            + task.textOrEmpty("state") + ": task " + task.textOrEmpty("id"));
            terminal().remark("look at it with: " + commandLine("task show " + task.textOrEmpty("id")));
        }
        return ExitCode.OK.code();
    }

    private ApiClient.Answer submitted(ApiClient client, JsonObject body) {
        try {
            return key == null ? client.post(Tasks.PATH, body) : client.post(Tasks.PATH, body, key);
        } catch (CommandFailure refused) {
            throw refused.byPaths();
        }
    }

    private Map<String, @Nullable Object> fields() {
        var fields = new LinkedHashMap<String, @Nullable Object>();
        put(fields, "name", name);
        put(fields, "type", type());
        put(fields, "command", shell);
        put(fields, "handler", handler == null ? agent : handler);
        put(fields, "script", python);
        put(fields, "method", method);
        put(fields, "url", http);
        if (input != null) {
            fields.put("input", Events.json(context, "--input", input));
        }
        put(fields, "queue", queue);
        put(fields, "priority", priority);
        put(fields, "deadline", deadline == null ? null : JobTexts.time("--deadline", deadline, ZoneOffset.UTC));
        put(fields, "estimatedDurationSeconds", estimate);
        put(fields, "dependencies", after.isEmpty() ? null : after);
        put(fields, "notBefore", notBefore == null ? null : JobTexts.time("--not-before", notBefore, ZoneOffset.UTC));
        put(fields, "parentTaskId", parent);
        put(fields, "waitForChildren", waitsForChildren ? true : null);
        put(fields, "sessionId", session);
        put(fields, "source", source);
        put(fields, "createdBy", createdBy);
        put(fields, "tags", tags.isEmpty() ? null : tags);
        put(fields, "timeout", timeout);
        put(fields, "totalTimeout", tries.totalTimeout);
        put(fields, "maxRetries", retries);
        var retry = new LinkedHashMap<String, @Nullable Object>();
        put(retry, "retryOn", tries.retryOnOrNull());
        put(retry, "giveUpOn", tries.giveUpOnOrNull());
        put(fields, "retry", retry.isEmpty() ? null : retry);
        put(fields, "uniqueKey", uniqueKey);
        put(fields, "onConflict", onConflict);
        put(fields, "concurrencyKey", concurrencyKey);
        return fields;
    }

    private @Nullable String type() {
        if (shell != null) {
            return "shell";
        } else if (handler != null) {
            return "handler";
        } else if (agent != null) {
            return "agent";
        } else if (python != null) {
            return "python";
        }
        return http == null ? null : "http";
    }

    private static void put(Map<String, @Nullable Object> fields, String field, @Nullable Object value) {
        if (value != null) {
            fields.put(field, value);
        }
    }
}
