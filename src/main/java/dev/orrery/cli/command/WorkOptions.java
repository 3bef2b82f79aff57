package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.domain.Problem;
import dev.orrery.domain.task.Durations;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is done when something fires, and how it is tried: the options that jobs and event handlers have in common. */
final class WorkOptions {

    private static final String ALL = "--shell, --http, --function, --agent or --dag";

    @Option(names = "--shell", paramLabel = "COMMAND", order = 20, description = "It runs this by /bin/sh.")
    @Nullable String shell;

    @Option(names = "--http", paramLabel = "URL", order = 21, description = "It sends a request there.")
    @Nullable String http;

    @Option(names = "--method", paramLabel = "METHOD", order = 22, description = "Of that request (default: GET).")
    @Nullable String method;

    @Option(names = "--function", paramLabel = "NAME", order = 23, description = "It calls this handler.")
    @Nullable String function;

    @Option(names = "--agent", paramLabel = "NAME", order = 24, description = "Remote workers that offer this do it.")
    @Nullable String agent;

    @Option(names = "--dag", paramLabel = "NAME", order = 25, description = "It starts this DAG.")
    @Nullable String dag;

    @Option(
            names = "--retries",
            paramLabel = "N",
            order = 40,
            description = "How often a failed execution is tried again (default: 3).")
    @Nullable Integer retries;

    @Option(
            names = "--retry-delay",
            paramLabel = "DURATION",
            order = 41,
            description = "Before the first of them; it doubles with each (default: 1m).")
    @Nullable String retryDelay;

    @Option(
            names = "--timeout",
            paramLabel = "DURATION",
            order = 42,
            description = "How long an attempt may take (default: 5m).")
    @Nullable String timeout;

    @Mixin
    RetryOptions tries = new RetryOptions();

    @Option(
            names = "--priority",
            paramLabel = "PRIORITY",
            order = 44,
            description = "${COMPLETION-CANDIDATES} (default: medium).")
    @Nullable PriorityName priority;

    @Option(names = "--tag", paramLabel = "TAG", order = 60, description = "By which it is found; may be repeated.")
    List<String> tags = List.of();

    @Option(names = "--created-by", paramLabel = "WHO", order = 61, description = "Whom to ask about it.")
    @Nullable String createdBy;

    @Option(
            names = "--metadata",
            paramLabel = "JSON",
            order = 62,
            description = "A JSON object that is kept as it is, or @FILE.")
    @Nullable String metadata;

    /** How urgent an execution is. */
    enum PriorityName {
        low,
        medium,
        high,
        critical
    }

    /** Refuses what says nothing or too much of what {@code subject} does. */
    void check(String subject) {
        one(subject, "what it does", ALL, shell, http, function, agent, dag);
        if (method != null && http == null) {
            throw CommandFailure.usage("--method goes with --http", "name the URL by --http");
        }
    }

    /** Refuses anything but one of these options. */
    static void one(String subject, String what, String options, @Nullable String... given) {
        var count = Stream.of(given).filter(text -> text != null).count();
        if (count == 0) {
            throw CommandFailure.usage(subject + " must know " + what, "give one of " + options);
        }
        if (count > 1) {
            throw CommandFailure.usage("it is said more than once " + what, "give only one of " + options);
        }
    }

    /** The body with what is done; {@code given}: more of the payload. */
    JsonObject work(JsonObject body, @Nullable JsonObject given) {
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

    /** The body with how it is tried and found. */
    JsonObject limits(Context context, JsonObject body) {
        var limited = put(body, "maxRetries", retries);
        limited = put(limited, "retryDelayMs", retryDelay == null ? null : millis("--retry-delay", retryDelay));
        limited = put(limited, "timeoutMs", timeout == null ? null : millis("--timeout", timeout));
        var total = tries.totalTimeout;
        limited = put(limited, "totalTimeoutMs", total == null ? null : millis("--total-timeout", total));
        limited = put(limited, "retryOn", tries.retryOnOrNull());
        limited = put(limited, "giveUpOn", tries.giveUpOnOrNull());
        limited = put(limited, "priority", priority);
        limited = put(limited, "createdBy", createdBy);
        limited = put(limited, "metadata", metadata == null ? null : JsonOption.read(context, "--metadata", metadata));
        return tags.isEmpty() ? limited : limited.with("tags", tags);
    }

    static JsonObject put(JsonObject body, String field, @Nullable Object value) {
        return value == null ? body : body.with(field, value);
    }

    static long millis(String option, String text) {
        return Durations.parse(text)
                .orElseThrow(() -> CommandFailure.usage(
                        option + " '" + text + "' is no duration", "write it like 500ms, 90s or 1h30m"))
                .toMillis();
    }

    /** The failure with its problems told of the options that the fields came from; {@code own}: options of the command itself. */
    CommandFailure byOptions(CommandFailure refused, Map<String, String> own) {
        return refused.withProblems(refused.problems().stream()
                .map(problem -> byOption(problem, own))
                .toList());
    }

    /** A problem inside a text, such as an expression, is still told to be one of its option. */
    private Problem byOption(Problem problem, Map<String, String> own) {
        var field = problem.path().replaceFirst("\\[.*", "");
        var option = own.getOrDefault(field, option(field));
        var path = option.isEmpty() ? problem.path() : option;
        var message = problem.line() > 0 ? path + ": " + problem.message() : problem.message();
        return new Problem(problem.code(), problem.line(), problem.column(), path, message, problem.help());
    }

    private String option(String field) {
        return switch (field) {
            case "name" -> "--name";
            case "handlerName" -> agent != null ? "--agent" : dag == null ? "--function" : "--dag";
            case "payload.command" -> shell == null ? "" : "--shell";
            case "payload.url" -> http == null ? "" : "--http";
            case "payload.method" -> method == null ? "" : "--method";
            case "maxRetries" -> "--retries";
            case "retryDelayMs" -> "--retry-delay";
            case "timeoutMs" -> "--timeout";
            case "totalTimeoutMs" -> "--total-timeout";
            case "retryOn" -> "--retry-on";
            case "giveUpOn" -> "--give-up-on";
            case "tags" -> "--tag";
            case "createdBy" -> "--created-by";
            default -> field.equals("payload") || field.startsWith("payload.") ? "--" + field : "";
        };
    }
}
