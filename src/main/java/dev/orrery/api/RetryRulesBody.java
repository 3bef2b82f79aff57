package dev.orrery.api;

import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.task.FailureRule;
import dev.orrery.domain.task.RetryRules;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads and writes after which failures the work of a job or an event handler is tried again, and for how long in all. */
final class RetryRulesBody {

    private static final int SHOWN = 60;

    private RetryRulesBody() {}

    static RetryRules rules(JsonObject body, List<Problem> problems) {
        return new RetryRules(rules(body, "retryOn", problems), rules(body, "giveUpOn", problems));
    }

    /** Those that are none are noted, with what was probably meant. */
    private static List<FailureRule> rules(JsonObject body, String field, List<Problem> problems) {
        var rules = new ArrayList<FailureRule>();
        var texts = body.getJsonArray(field, new JsonArray());
        for (var n = 0; n < texts.size() && n < RetryRules.MAX; n++) {
            var text = texts.getString(n);
            var wrong = FailureRule.objection(text);
            if (wrong.isEmpty()) {
                rules.add(new FailureRule(text));
            } else {
                problems.add(new Problem(
                        ProblemCode.INVALID_VALUE,
                        0,
                        0,
                        field + "[" + n + "]",
                        Quoted.of(text) + " " + wrong.get(),
                        Optional.of(FailureRule.help(Quoted.shortened(text, SHOWN)))));
            }
        }
        return rules;
    }

    static Optional<Duration> totalTimeout(JsonObject body) {
        return Optional.ofNullable(body.getLong("totalTimeoutMs")).map(Duration::ofMillis);
    }

    /** A DAG's tasks say it themselves: what is said of them here would come to nothing. */
    static void refuse(JsonObject body, List<Problem> problems) {
        for (var field : List.of("totalTimeoutMs", "retryOn", "giveUpOn")) {
            if (body.getValue(field) != null) {
                problems.add(new Problem(
                        ProblemCode.CONFLICTING_FIELDS,
                        0,
                        0,
                        field,
                        "what starts a DAG has no '" + field + "': each task of the DAG has its own",
                        Optional.of("remove it here, and say it in the DAG's file")));
            }
        }
    }

    static void write(JsonObject body, Optional<Duration> totalTimeout, RetryRules rules) {
        totalTimeout.ifPresent(total -> body.put("totalTimeoutMs", total.toMillis()));
        write(body, "retryOn", rules.retryOn());
        write(body, "giveUpOn", rules.giveUpOn());
    }

    private static void write(JsonObject body, String field, List<FailureRule> rules) {
        if (!rules.isEmpty()) {
            body.put(field, new JsonArray(texts(rules)));
        }
    }

    static List<String> texts(List<FailureRule> rules) {
        return rules.stream().map(FailureRule::text).toList();
    }
}
