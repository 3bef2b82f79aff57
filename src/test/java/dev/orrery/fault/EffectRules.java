package dev.orrery.fault;

import dev.orrery.domain.task.TaskState;
import dev.orrery.fault.History.Change;
import dev.orrery.fault.History.Effect;
import dev.orrery.fault.History.NodeStart;
import dev.orrery.fault.History.Sign;
import dev.orrery.fault.History.TaskKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What must hold of the work that was really done, as the processes of the tasks tell it. */
final class EffectRules {

    /** The clock that the processes read has a resolution of 10 ms, and two of them may be read the wrong way round. */
    private static final Duration CLOCK = Duration.ofMillis(30);

    private final History history;
    private final Map<TaskKey, TaskReplay> replays;
    private final Map<TaskKey, Map<Long, List<Effect>>> effects;
    private final Map<String, String> names;
    private final List<Violation> violations = new ArrayList<>();
    private Duration longestOverlap = Duration.ZERO;

    EffectRules(History history, Map<TaskKey, TaskReplay> replays) {
        this.history = history;
        this.replays = replays;
        this.effects = Checker.byClaim(history.effects());
        this.names = history.nodes().stream().collect(Collectors.toMap(NodeStart::id, NodeStart::name));
    }

    List<Violation> check() {
        effects.forEach((task, claims) -> {
            var replay = replays.get(task);
            if (replay == null) {
                blame(Rule.EFFECT_HAS_CLAIM, "work was done for a task that is not there: " + task, claims);
                return;
            }
            claims.forEach((fence, lines) -> checkClaim(task, replay, fence, lines));
            checkOverlap(task, claims);
        });
        replays.forEach(this::checkResult);
        checkLocks();
        return violations;
    }

    Duration longestOverlap() {
        return longestOverlap;
    }

    private void checkClaim(TaskKey task, TaskReplay replay, long fence, List<Effect> lines) {
        var holder = replay.holder(fence).map(id -> names.getOrDefault(id, id));
        if (holder.isEmpty()) {
            blame(Rule.EFFECT_HAS_CLAIM, "nobody held " + task + " under fence " + fence, lines, replay.changes());
        } else if (lines.stream().anyMatch(line -> !line.node().equals(holder.get()))) {
            blame(Rule.EFFECT_HAS_CLAIM, task + " was held by " + holder.get() + " and run elsewhere", lines);
        }
        if (replay.isUnbegun(fence)) {
            blame(Rule.ATTEMPTS_COUNT, task + " had begun under fence " + fence + ", and is not told of", lines);
        }
        if (lines.stream().filter(line -> line.sign() == Sign.START).count() != 1) {
            blame(Rule.EFFECT_HAS_CLAIM, task + " was not begun once under fence " + fence, lines);
        }
    }

    private void checkOverlap(TaskKey task, Map<Long, List<Effect>> claims) {
        var inOrder = List.copyOf(claims.entrySet());
        for (var n = 0; n + 1 < inOrder.size(); n++) {
            var older = inOrder.get(n).getValue();
            for (var m = n + 1; m < inOrder.size(); m++) {
                checkOverlap(task, older, inOrder.get(m).getValue());
            }
        }
    }

    private void checkOverlap(TaskKey task, List<Effect> older, List<Effect> newer) {
        var begin = newer.getFirst().at();
        var last = older.getLast().at();
        var overlap = Duration.between(begin, last);
        if (overlap.compareTo(CLOCK) <= 0) {
            return;
        }
        longestOverlap = overlap.compareTo(longestOverlap) > 0 ? overlap : longestOverlap;
        if (!isAllowed(older.getLast())) {
            blame(
                    Rule.NO_OVERLAP,
                    "an older attempt of " + task + " went on for " + Checker.seconds(overlap),
                    older.getFirst(),
                    newer.getFirst(),
                    older.getLast());
        }
    }

    /** The attempts that held one lock, in the order of its numbers: each begins when the one before has ended. */
    private void checkLocks() {
        var holders = new HashMap<String, List<List<Effect>>>();
        effects.forEach((task, claims) -> {
            var replay = replays.get(task);
            if (replay != null && !replay.planned().lock().isEmpty()) {
                holders.computeIfAbsent(replay.planned().lock(), _ -> new ArrayList<>())
                        .addAll(claims.values());
            }
        });
        holders.forEach((lock, claims) -> {
            claims.sort(Comparator.comparing(lines -> lines.getFirst().lockFence()));
            for (var n = 1; n < claims.size(); n++) {
                checkHolders(lock, claims.get(n - 1), claims.get(n));
            }
        });
    }

    private void checkHolders(String lock, List<Effect> before, List<Effect> after) {
        var first = after.getFirst();
        var last = before.getLast();
        if (first.lockFence() == last.lockFence() || first.lockFence() == 0 || last.lockFence() == 0) {
            blame(Rule.ONE_HOLDER, "lock " + lock + " has no number of its own for each holder", last, first);
        } else if (first.at().plus(CLOCK).isBefore(last.at()) && !isAllowed(last)) {
            blame(Rule.ONE_HOLDER, "lock " + lock + " was held by two", before.getFirst(), first, last);
        }
    }

    /** Whether its process may be there though its node has lost the right. */
    private boolean isAllowed(Effect last) {
        return history.outlivings().stream()
                .anyMatch(allowed -> allowed.node().equals(last.node())
                        && !last.at().isBefore(allowed.from())
                        && !last.at().isAfter(allowed.to()));
    }

    /** Who is said to have done the work, has done it, and after those it waits for. */
    private void checkResult(TaskKey task, TaskReplay replay) {
        if (replay.state() != TaskState.SUCCEEDED) {
            return;
        }
        var lines = accepted(task, replay);
        if (!replay.planned().hasEffects()) {
            return;
        }
        if (lines.isEmpty() || lines.getLast().sign() != Sign.END) {
            blame(Rule.RESULT_HAS_EFFECT, task + " succeeded, but its work was not done", lines, replay.changes());
            return;
        }
        for (var name : replay.planned().dependencies()) {
            var other = new TaskKey(task.run(), name);
            var before = replays.get(other);
            if (before != null && before.planned().hasEffects()) {
                checkOrder(task, other, accepted(other, before));
            }
        }
    }

    /** Every attempt, not only the one that counts, comes after. */
    private void checkOrder(TaskKey task, TaskKey prerequisite, List<Effect> lines) {
        if (lines.isEmpty()) {
            return;
        }
        var end = lines.getLast();
        effects.getOrDefault(task, Map.of()).values().stream()
                .map(List::getFirst)
                .filter(start -> start.at().plus(CLOCK).isBefore(end.at()))
                .forEach(start -> blame(
                        Rule.PREREQUISITES_FIRST,
                        task + " began before " + prerequisite.task() + " had done its work",
                        start,
                        end));
    }

    /** The lines of the attempt whose result was accepted. */
    private List<Effect> accepted(TaskKey task, TaskReplay replay) {
        return replay.end()
                .map(Change::fence)
                .map(fence -> effects.getOrDefault(task, Map.of()).getOrDefault(fence, List.of()))
                .orElse(List.of());
    }

    private void blame(Rule rule, String what, Object... evidence) {
        violations.add(Violation.of(rule, what, evidence));
    }
}
