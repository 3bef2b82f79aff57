package dev.orrery.service;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.dagfile.DagFileParser;
import dev.orrery.dagfile.Parsed;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskType.AgentCall;
import dev.orrery.domain.dag.TaskType.FunctionCall;
import dev.orrery.domain.dag.TaskType.RemoteWork;
import dev.orrery.domain.job.HandlerType;
import dev.orrery.domain.job.ScheduledJob.Work;
import dev.orrery.domain.task.FailureRule;
import dev.orrery.store.DagPublication;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * The task that the job of a function or of a remote worker fires, written as a DAG file and read as one: so its fields are checked as those of
 * every task. Jobs that do the same share it, since it is named by a digest of its text.
 */
final class JobWork {

    /** Functions that the node runs itself; their payload is the task. All others are on the event bus, and given it. */
    private static final Set<String> TASKS = Set.of("shell", "http", "python");

    private static final Set<String> OURS = Set.of(
            "id", "name", "type", "timeout", "totalTimeout", "retry", "dependencies", "priority", "queue", "lock");
    private static final String TASK = "tasks[0]";
    private static final int DIGEST_BYTES = 12;

    private JobWork() {}

    /** Whether each execution is given the payload as its params. */
    static boolean passesPayload(Work work) {
        return !isTask(work);
    }

    private static boolean isTask(Work work) {
        return !isRemote(work) && TASKS.contains(work.handler());
    }

    private static boolean isRemote(Work work) {
        return work.type() == HandlerType.AGENT;
    }

    /** What the job of a function or of a remote worker fires. Fails with all problems of its payload. */
    static DagPublication publication(Work work) {
        var text = file(work);
        return switch (DagFileParser.parse(text)) {
            case Parsed.Valid(var draft) -> DagPublication.of(named(draft, work, text), text);
            case Parsed.Invalid(var problems) ->
                throw new OrreryException(
                        ErrorCode.VALIDATION_ERROR,
                        "the job's work is wrong",
                        problems.stream().map(JobWork::ofPayload).toList());
        };
    }

    private static String file(Work work) {
        var task = new JsonObject().put("id", "run").put("type", typeOf(work));
        if (isTask(work)) {
            var payload =
                    work.payload().map(json -> new JsonObject(json.text())).orElseGet(JsonObject::new);
            refuse(payload);
            task.mergeIn(payload);
        } else {
            task.put("handler", work.handler());
        }
        task.put("timeout", work.timeout().toMillis() + "ms")
                .put("retry", retry(work))
                .put("priority", work.priority().taskPriority());
        work.totalTimeout().ifPresent(total -> task.put("totalTimeout", total.toMillis() + "ms"));
        return new JsonObject().put("tasks", new JsonArray().add(task)).encode();
    }

    private static JsonObject retry(Work work) {
        var retry = new JsonObject()
                .put("maxAttempts", work.maxRetries() + 1)
                .put("initialDelay", work.retryDelay().toMillis() + "ms")
                .put("maxDelay", Work.MAX_RETRY_DELAY.toMillis() + "ms");
        putRules(retry, "retryOn", work.rules().retryOn());
        putRules(retry, "giveUpOn", work.rules().giveUpOn());
        return retry;
    }

    private static void putRules(JsonObject retry, String field, List<FailureRule> rules) {
        if (!rules.isEmpty()) {
            retry.put(field, new JsonArray(rules.stream().map(FailureRule::text).toList()));
        }
    }

    private static String typeOf(Work work) {
        if (isTask(work)) {
            return work.handler();
        }
        return isRemote(work) ? RemoteWork.WIRE_NAME : "handler";
    }

    private static void refuse(JsonObject payload) {
        List<Problem> problems = new ArrayList<>();
        for (var field : payload.fieldNames()) {
            if (OURS.contains(field)) {
                problems.add(Problem.at(
                        "payload." + field,
                        ProblemCode.UNKNOWN_FIELD,
                        "the payload of this handler has no '" + field + "'"));
            }
        }
        if (!problems.isEmpty()) {
            throw new OrreryException(ErrorCode.VALIDATION_ERROR, "the job's work is wrong", problems);
        }
    }

    private static DagDraft named(DagDraft draft, Work work, String text) {
        var named = draft.named("job " + work.handler() + " " + digest(text));
        if (isTask(work)) {
            return named;
        }
        return named.doing(isRemote(work) ? new AgentCall(work.handler()) : new FunctionCall(work.handler()));
    }

    private static String digest(String text) {
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
            return HexFormat.of().formatHex(digest, 0, DIGEST_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** The place in the request, in place of that in the text that we made. */
    private static Problem ofPayload(Problem problem) {
        var path = problem.path();
        var field = path.startsWith(TASK + ".") ? path.substring(TASK.length() + 1) : path;
        var place = switch (field) {
            case "handler" -> "handlerName";
            case "timeout" -> "timeoutMs";
            case "totalTimeout" -> "totalTimeoutMs";
            case "retry.maxAttempts" -> "maxRetries";
            case "retry.initialDelay" -> "retryDelayMs";
            default -> "payload." + field;
        };
        return new Problem(problem.code(), 0, 0, place, problem.message(), problem.help());
    }
}
