package dev.orrery.fault;

import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import dev.orrery.fault.History.Answer;
import dev.orrery.fault.History.Change;
import dev.orrery.fault.History.StoredRun;
import dev.orrery.fault.History.TaskKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What must hold of runs, and of the tasks of one run among themselves. */
final class RunRules {

    /** A task that took three nodes with it is set aside: two losses and, with the third one, its end. */
    private static final int POISON_LOSSES = 2;

    private final History history;
    private final Map<TaskKey, TaskReplay> replays;
    private final Map<String, StoredRun> runs;
    private final List<Violation> violations = new ArrayList<>();

    private RunRules(History history, Map<TaskKey, TaskReplay> replays) {
        this.history = history;
        this.replays = replays;
        this.runs = history.runs().stream().collect(Collectors.toMap(StoredRun::run, Function.identity()));
    }

    static List<Violation> check(History history, Map<TaskKey, TaskReplay> replays) {
        var rules = new RunRules(history, replays);
        rules.checkKeys();
        history.answers().forEach(rules::checkAccepted);
        rules.checkSeen();
        history.runs().forEach(rules::checkEnd);
        replays.forEach(rules::checkTask);
        return rules.violations;
    }

    private void checkKeys() {
        var runOfKey = new HashMap<String, Answer>();
        for (var answer : history.answers()) {
            var first = runOfKey.putIfAbsent(answer.key(), answer);
            if (first != null && !first.run().equals(answer.run())) {
                blame(Rule.ONE_RUN_FOR_A_KEY, "one key made two runs", first, answer);
            }
        }
        var told = history.answers().stream().map(Answer::run).collect(Collectors.toSet());
        runs.values().stream()
                .filter(run -> !told.contains(run.run()))
                .forEach(run -> blame(Rule.ONE_RUN_FOR_A_KEY, "no client was told of this run", run));
    }

    private void checkAccepted(Answer answer) {
        var run = runs.get(answer.run());
        if (run == null) {
            blame(Rule.ACCEPTED_IS_KEPT, "run " + answer.run() + " was accepted and is not there", answer);
            return;
        }
        var begins = answer.at().isAfter(history.healed()) ? answer.at() : history.healed();
        if (run.completedAt() == null) {
            blame(Rule.ALL_ENDS, "run " + run.run() + " has not ended", answer, run, standing(run));
        } else if (run.completedAt().isAfter(begins.plus(history.limit()))) {
            var late = Duration.between(begins, run.completedAt());
            blame(Rule.ALL_ENDS, "run " + run.run() + " ended " + Checker.seconds(late) + " after all was well", run);
        }
    }

    /** What its tasks wait for. */
    private String standing(StoredRun run) {
        return replays.entrySet().stream()
                .filter(task -> task.getKey().run().equals(run.run()))
                .filter(task -> !task.getValue().state().isTerminal())
                .map(task ->
                        task.getKey().task() + " is " + task.getValue().state().wireName())
                .sorted()
                .collect(Collectors.joining(", ", "by the history: ", ""));
    }

    private void checkSeen() {
        for (var seen : history.seen()) {
            var run = runs.get(seen.run());
            if (run == null || run.state() != seen.state()) {
                blame(Rule.TOLD_IS_TRUE, "a client was shown " + seen.state() + ", which does not stand", seen, run);
            }
        }
    }

    private void checkEnd(StoredRun run) {
        if (run.completedAt() == null || !history.plans().containsKey(run.dag())) {
            return;
        }
        var states = replays.entrySet().stream()
                .filter(task -> task.getKey().run().equals(run.run()))
                .collect(Collectors.toMap(
                        task -> task.getKey().task(), task -> task.getValue().state()));
        var open = states.values().stream().filter(state -> !state.isTerminal()).count();
        if (open > 0) {
            blame(Rule.RUN_AS_ITS_TASKS, "the run has ended with " + open + " open tasks", run, standing(run));
        } else if (run.state() != expected(states)
                && !(run.state() == RunState.CANCELLED && history.cancelAsked().contains(run.run()))) {
            blame(
                    Rule.RUN_AS_ITS_TASKS,
                    "the run is " + run.state() + ", by its tasks " + expected(states),
                    run,
                    states);
        }
    }

    private static RunState expected(Map<String, TaskState> states) {
        if (states.containsValue(TaskState.FAILED) || states.containsValue(TaskState.TIMED_OUT)) {
            return RunState.FAILED;
        }
        return states.containsValue(TaskState.CANCELLED) ? RunState.CANCELLED : RunState.SUCCEEDED;
    }

    private void checkTask(TaskKey task, TaskReplay replay) {
        replay.changes().stream()
                .filter(change -> change.from() == TaskState.BLOCKED && change.to() == TaskState.READY)
                .forEach(release -> checkRelease(task, replay, release));
        replay.end().ifPresent(end -> checkJustified(task, replay, end));
        var isFailure = replay.state() == TaskState.FAILED || replay.state() == TaskState.TIMED_OUT;
        if (isFailure != history.deadLetters().contains(task)) {
            blame(
                    Rule.JUSTIFIED,
                    task + " is " + replay.state() + (isFailure ? " without" : " with") + " a dead letter",
                    replay.changes());
        }
    }

    private void checkRelease(TaskKey task, TaskReplay replay, Change release) {
        var lastEnd = 0L;
        for (var name : replay.planned().dependencies()) {
            var end = end(task, name);
            if (end == null || end.to() != TaskState.SUCCEEDED || end.seq() > release.seq()) {
                blame(Rule.PREREQUISITES_FIRST, task + " was released before " + name + " had succeeded", release, end);
                return;
            }
            lastEnd = Math.max(lastEnd, end.seq());
        }
        if (lastEnd != release.seq()) {
            blame(
                    Rule.PREREQUISITES_FIRST,
                    task + " was not released with its last prerequisite",
                    release,
                    "its last prerequisite ended in #" + lastEnd);
        }
    }

    private @Nullable Change end(TaskKey task, String other) {
        var replay = replays.get(new TaskKey(task.run(), other));
        return replay == null ? null : replay.end().orElse(null);
    }

    private void checkJustified(TaskKey task, TaskReplay replay, Change end) {
        var planned = replay.planned();
        switch (end.to()) {
            case SUCCEEDED -> {
                if (planned.failsByPlan()) {
                    blame(Rule.JUSTIFIED, task + " succeeded, and never can", replay.changes());
                }
            }
            case FAILED, TIMED_OUT -> {
                var isSpent = planned.failsByPlan() && replay.failures() == planned.attempts();
                if (!isSpent && !(end.from() == TaskState.RUNNING && replay.losses() >= POISON_LOSSES)) {
                    blame(
                            Rule.JUSTIFIED,
                            task + " ended " + end.to() + " after " + replay.failures() + " failures of "
                                    + planned.attempts() + " and " + replay.losses() + " losses",
                            replay.changes());
                }
            }
            case SKIPPED -> checkSkip(task, replay, end);
            case CANCELLED -> {
                if (!history.cancelAsked().contains(task.run())) {
                    blame(Rule.JUSTIFIED, task + " was cancelled and nobody had asked for it", end);
                }
            }
            default -> throw new IllegalStateException("not an end: " + end);
        }
    }

    private void checkSkip(TaskKey task, TaskReplay replay, Change skip) {
        var hasReason = replay.planned().dependencies().stream()
                .map(name -> end(task, name))
                .anyMatch(end -> end != null && end.to() != TaskState.SUCCEEDED && end.seq() <= skip.seq());
        if (!hasReason) {
            blame(Rule.JUSTIFIED, task + " was skipped, and none of its prerequisites had ended badly", skip);
        }
    }

    private void blame(Rule rule, String what, @Nullable Object... evidence) {
        violations.add(Violation.of(rule, what, evidence));
    }
}
