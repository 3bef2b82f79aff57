package dev.orrery.fault;

import dev.orrery.fault.History.Change;
import dev.orrery.fault.History.Effect;
import dev.orrery.fault.History.TaskKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Judges a {@link History} by every {@link Rule}. */
public final class Checker {

    private final History history;
    private final List<Violation> violations = new ArrayList<>();

    private Checker(History history) {
        this.history = history;
    }

    public static Report check(History history) {
        return new Checker(history).check();
    }

    private Report check() {
        var replays = replayTasks();
        violations.addAll(RunRules.check(history, replays));
        var effects = new EffectRules(history, replays);
        violations.addAll(effects.check());
        checkTerms();
        history.leftOvers().forEach(left -> violations.add(Violation.of(Rule.NOTHING_LEFT, left)));
        return new Report(
                violations,
                history.answers().size(),
                history.changes().size(),
                history.effects().size(),
                effects.longestOverlap());
    }

    /** Every task of every run that is there, also of those that nothing is told about. */
    private Map<TaskKey, TaskReplay> replayTasks() {
        var changes = history.changes().stream().collect(Collectors.groupingBy(Change::task));
        var replays = new HashMap<TaskKey, TaskReplay>();
        for (var run : history.runs()) {
            var plan = history.plans().get(run.dag());
            if (plan == null) {
                violations.add(
                        Violation.of(Rule.ONE_RUN_FOR_A_KEY, "run " + run.run() + " is of a DAG that is not ours"));
                continue;
            }
            plan.tasks().forEach((task, planned) -> {
                var key = new TaskKey(run.run(), task);
                replays.put(
                        key,
                        new TaskReplay(key, planned, changes.getOrDefault(key, List.of()), history.unknownStarts()));
            });
        }
        replays.values().forEach(replay -> violations.addAll(replay.violations()));
        return replays;
    }

    private void checkTerms() {
        for (var n = 1; n < history.terms().size(); n++) {
            var before = history.terms().get(n - 1);
            var now = history.terms().get(n);
            if (now.epoch() < before.epoch()) {
                violations.add(Violation.of(Rule.EPOCHS_GROW, "an epoch fell", before, now));
            } else if (now.epoch() == before.epoch() && !now.leader().equals(before.leader())) {
                violations.add(Violation.of(Rule.EPOCHS_GROW, "an epoch has two leaders", before, now));
            }
        }
    }

    /** The lines of one task's processes, by the fence of their claim. */
    static Map<TaskKey, Map<Long, List<Effect>>> byClaim(List<Effect> effects) {
        return effects.stream()
                .collect(Collectors.groupingBy(
                        Effect::task,
                        Collectors.groupingBy(Effect::fence, java.util.TreeMap::new, Collectors.toList())));
    }

    /** As people read it. */
    static String seconds(Duration time) {
        return "%.2f s".formatted(time.toMillis() / 1000.0);
    }
}
