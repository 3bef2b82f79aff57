package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.domain.Problem;
import dev.orrery.domain.task.Durations;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Registers a job. */
@Command(
        name = "create",
        description = {
            "Register a job: say when it fires (--cron, --at or --every), and what it does (--shell, --http, --function, --agent or --dag).",
            "With --start, --until or --times it fires within these limits."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job create --name morning-report --cron '30 6 * * MON-FRI' --timezone Europe/Berlin --dag report",
            "  orrery job create --name probe --every 90s --times 10 --shell './probe.sh'",
            "  orrery job create --name remind --at 2026-12-24T18:00Z --http https://example.org/remind --method POST"
        })
final class JobCreateCommand extends ServerAction {

    private static final int TIMES_SHOWN = 3;

    @Option(names = "--name", paramLabel = "NAME", required = true, order = 1, description = "What to call it.")
    String name = "";

    @Option(
            names = "--cron",
            paramLabel = "TEXT",
            order = 2,
            description = "When, as a cron text of 5 or 6 fields, or a name such as @daily.")
    @Nullable String cron;

    @Option(
            names = "--at",
            paramLabel = "TIME",
            order = 3,
            description = "Once, then: with an offset or Z, or as the clock of --timezone shows it.")
    @Nullable String at;

    @Option(
            names = "--every",
            paramLabel = "DURATION",
            order = 4,
            description = "Every so often, such as 90s or 1h30m.")
    @Nullable String every;

    @Option(
            names = "--timezone",
            paramLabel = "ZONE",
            order = 5,
            description = "Whose clock is meant, such as Europe/Berlin (default: UTC).")
    @Nullable String timezone;

    @Option(names = "--start", paramLabel = "TIME", order = 6, description = "It does not fire before.")
    @Nullable String start;

    @Option(names = "--until", paramLabel = "TIME", order = 7, description = "It does not fire after.")
    @Nullable String until;

    @Option(names = "--times", paramLabel = "N", order = 8, description = "How often it fires by itself at most.")
    @Nullable Integer times;

    @Option(
            names = "--exclude",
            paramLabel = "DATE",
            order = 9,
            description = "A day on which it does not fire; may be repeated.")
    List<String> exclude = List.of();

    @Option(names = "--shell", paramLabel = "COMMAND", order = 10, description = "It runs this by /bin/sh.")
    @Nullable String shell;

    @Option(names = "--http", paramLabel = "URL", order = 11, description = "It sends a request there.")
    @Nullable String http;

    @Option(names = "--method", paramLabel = "METHOD", order = 12, description = "Of that request (default: GET).")
    @Nullable String method;

    @Option(names = "--function", paramLabel = "NAME", order = 13, description = "It calls this handler.")
    @Nullable String function;

    @Option(names = "--agent", paramLabel = "NAME", order = 13, description = "Remote workers that offer this do it.")
    @Nullable String agent;

    @Option(names = "--dag", paramLabel = "NAME", order = 14, description = "It starts this DAG.")
    @Nullable String dag;

    @Option(
            names = "--payload",
            paramLabel = "JSON",
            order = 15,
            description =
                    "A JSON object, or @FILE that holds it: the handler's input, the DAG's params, more fields of the command or request.")
    @Nullable String payload;

    @Option(
            names = "--retries",
            paramLabel = "N",
            order = 16,
            description = "How often a failed execution is tried again (default: 3).")
    @Nullable Integer retries;

    @Option(
            names = "--retry-delay",
            paramLabel = "DURATION",
            order = 17,
            description = "Before the first of them; it doubles with each (default: 1m).")
    @Nullable String retryDelay;

    @Option(
            names = "--timeout",
            paramLabel = "DURATION",
            order = 18,
            description = "How long an attempt may take (default: 5m).")
    @Nullable String timeout;

    @Option(
            names = "--priority",
            paramLabel = "PRIORITY",
            order = 19,
            description = "${COMPLETION-CANDIDATES} (default: medium).")
    @Nullable PriorityName priority;

    @Option(
            names = "--misfire",
            paramLabel = "POLICY",
            order = 20,
            description =
                    "What becomes of times that nobody could keep: ${COMPLETION-CANDIDATES} (default: fire_once).")
    @Nullable MisfireName misfire;

    @Option(
            names = "--overlap",
            paramLabel = "POLICY",
            order = 21,
            description =
                    "What becomes of a time while the execution before still runs: ${COMPLETION-CANDIDATES} (default: skip).")
    @Nullable OverlapName overlap;

    @Option(names = "--tag", paramLabel = "TAG", order = 22, description = "By which it is found; may be repeated.")
    List<String> tags = List.of();

    @Option(names = "--created-by", paramLabel = "WHO", order = 23, description = "Whom to ask about it.")
    @Nullable String createdBy;

    @Option(
            names = "--metadata",
            paramLabel = "JSON",
            order = 24,
            description = "A JSON object that is kept as it is, or @FILE.")
    @Nullable String metadata;

    /** How urgent an execution is. */
    enum PriorityName {
        low,
        medium,
        high,
        critical
    }

    /** What becomes of times that passed. */
    enum MisfireName {
        fire_once,
        fire_all,
        skip
    }

    /** What becomes of times that meet an execution. */
    enum OverlapName {
        allow,
        skip,
        queue_one,
        cancel_previous
    }

    JobCreateCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        one("when it fires", "--cron, --at or --every", cron, at, every);
        one("what it does", "--shell, --http, --function, --agent or --dag", shell, http, function, agent, dag);
        if (method != null && http == null) {
            throw CommandFailure.usage("--method goes with --http", "name the URL by --http");
        }
        var body = limits(work(timing(JsonObject.of(Map.of("name", name)))));
        var client = client();
        var answer = register(client, body);
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(client, answer.object());
        }
        return ExitCode.OK.code();
    }

    private static void one(String what, String options, @Nullable String... given) {
        var count = Stream.of(given).filter(text -> text != null).count();
        if (count == 0) {
            throw CommandFailure.usage("a job must know " + what, "give one of " + options);
        }
        if (count > 1) {
            throw CommandFailure.usage("it is said more than once " + what, "give only one of " + options);
        }
    }

    private JsonObject timing(JsonObject body) {
        var limited = start != null || until != null || times != null;
        var type = at != null ? "one_time" : every != null || limited ? "recurring" : "cron";
        var zone = zone();
        var timed = put(body.with("type", type), "schedule", cron);
        timed = put(timed, "interval", every);
        timed = put(timed, "timezone", timezone);
        timed = put(timed, "runAt", at == null ? null : JobTexts.time("--at", at, zone));
        timed = put(timed, "startAt", start == null ? null : JobTexts.time("--start", start, zone));
        timed = put(timed, "endAt", until == null ? null : JobTexts.time("--until", until, zone));
        timed = put(timed, "maxExecutions", times);
        return exclude.isEmpty() ? timed : timed.with("excludedDates", exclude);
    }

    /** Where the zone is none the node says so; until then any will do. */
    private ZoneId zone() {
        try {
            return ZoneId.of(timezone == null ? "UTC" : timezone);
        } catch (DateTimeException unknown) {
            return ZoneId.of("UTC");
        }
    }

    private JsonObject work(JsonObject body) {
        var given = payload == null ? null : JsonOption.read(context, "--payload", payload);
        var fields = given == null ? JsonObject.of(Map.of()) : given;
        if (shell != null) {
            return body.with("handlerName", "shell").with("payload", fields.with("command", shell));
        }
        if (http != null) {
            return body.with("handlerName", "http").with("payload", put(fields.with("url", http), "method", method));
        }
        return put(named(body), "payload", given);
    }

    private JsonObject named(JsonObject body) {
        if (agent != null) {
            return body.with("handlerType", "agent").with("handlerName", agent);
        }
        return dag == null
                ? body.with("handlerName", function)
                : body.with("handlerType", "workflow").with("handlerName", dag);
    }

    private JsonObject limits(JsonObject body) {
        var limited = put(body, "maxRetries", retries);
        limited = put(limited, "retryDelayMs", retryDelay == null ? null : millis("--retry-delay", retryDelay));
        limited = put(limited, "timeoutMs", timeout == null ? null : millis("--timeout", timeout));
        limited = put(limited, "priority", priority);
        limited = put(limited, "misfire", misfire);
        limited = put(limited, "overlap", overlap);
        limited = put(limited, "createdBy", createdBy);
        limited = put(limited, "metadata", metadata == null ? null : JsonOption.read(context, "--metadata", metadata));
        return tags.isEmpty() ? limited : limited.with("tags", tags);
    }

    private static JsonObject put(JsonObject body, String field, @Nullable Object value) {
        return value == null ? body : body.with(field, value);
    }

    private static long millis(String option, String text) {
        return Durations.parse(text)
                .orElseThrow(() -> CommandFailure.usage(
                        option + " '" + text + "' is no duration", "write it like 500ms, 90s or 1h30m"))
                .toMillis();
    }

    private ApiClient.Answer register(ApiClient client, JsonObject body) {
        try {
            return client.post(Jobs.PATH, body);
        } catch (CommandFailure refused) {
            throw refused.withProblems(
                    refused.problems().stream().map(this::byOption).toList());
        }
    }

    /** A problem of a field is one of the option that it came from. */
    private Problem byOption(Problem problem) {
        var option = option(problem.path().replaceFirst("\\[.*", ""));
        return new Problem(
                problem.code(),
                problem.line(),
                problem.column(),
                option.isEmpty() ? problem.path() : option,
                problem.message(),
                problem.help());
    }

    private String option(String path) {
        return switch (path) {
            case "name" -> "--name";
            case "schedule" -> "--cron";
            case "interval" -> "--every";
            case "runAt" -> "--at";
            case "timezone" -> "--timezone";
            case "startAt" -> "--start";
            case "endAt" -> "--until";
            case "maxExecutions" -> "--times";
            case "excludedDates" -> "--exclude";
            case "handlerName" -> agent != null ? "--agent" : dag == null ? "--function" : "--dag";
            case "payload.command" -> shell == null ? "" : "--shell";
            case "payload.url" -> http == null ? "" : "--http";
            case "payload.method" -> method == null ? "" : "--method";
            case "maxRetries" -> "--retries";
            case "retryDelayMs" -> "--retry-delay";
            case "timeoutMs" -> "--timeout";
            case "tags" -> "--tag";
            case "createdBy" -> "--created-by";
            default -> path.startsWith("payload") ? "--" + path : "";
        };
    }

    private void show(ApiClient client, JsonObject made) {
        terminal()
                .line(terminal().style().succeededMark() + " registered " + TextWidth.clean(made.textOrEmpty("name"))
                        + ": job " + made.textOrEmpty("id"));
        var next = client.get(Jobs.path(made) + "/next?count=" + TIMES_SHOWN).list();
        if (!next.isEmpty()) {
            terminal().table(JobTexts.fireTimes(next, context.clock().instant()));
        }
        terminal().remark("what it did: " + commandLine("job history " + ShellWord.of(made.textOrEmpty("id"))));
    }
}
