package dev.orrery.fault;

import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import dev.orrery.fault.History.Answer;
import dev.orrery.fault.History.Change;
import dev.orrery.fault.History.Claim;
import dev.orrery.fault.History.Effect;
import dev.orrery.fault.History.NodeStart;
import dev.orrery.fault.History.Outliving;
import dev.orrery.fault.History.Plan;
import dev.orrery.fault.History.PlannedTask;
import dev.orrery.fault.History.Seen;
import dev.orrery.fault.History.Sign;
import dev.orrery.fault.History.StoredRun;
import dev.orrery.fault.History.TaskKey;
import dev.orrery.fault.History.Term;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A history written by hand, in which all is well: one run of two branches, {@code load -> report} and {@code broken ->
 * after}. The node that loads at first is lost, another one takes over; {@code broken} fails twice, as planned. Tests
 * change what they like.
 */
final class HandMade {

    static final String RUN = "run-1";
    static final Instant BEGIN = Instant.parse("2030-01-01T00:00:00Z");
    private static final Duration STEP = Duration.ofMillis(500);

    final Map<String, PlannedTask> tasks = new HashMap<>(Map.of(
            "load", new PlannedTask(Set.of(), 0, true),
            "report", new PlannedTask(Set.of("load"), 0, true),
            "broken", new PlannedTask(Set.of(), 2, false),
            "after", new PlannedTask(Set.of("broken"), 0, false)));
    final List<Answer> answers = new ArrayList<>(List.of(new Answer("key-1", "mix", RUN, at(0))));
    final List<Seen> seen = new ArrayList<>(List.of(new Seen(RUN, RunState.FAILED, at(20))));
    final Set<String> cancelAsked = new HashSet<>();
    final List<StoredRun> runs = new ArrayList<>(List.of(new StoredRun(RUN, "mix", RunState.FAILED, at(16))));
    final List<Change> changes = new ArrayList<>();
    final Set<Claim> unknownStarts = new HashSet<>();
    final Set<TaskKey> deadLetters = new HashSet<>(Set.of(key("broken")));
    final List<Effect> effects = new ArrayList<>();
    final List<Term> terms = new ArrayList<>(
            List.of(new Term(at(0), 7, "id-a"), new Term(at(1), 7, "id-a"), new Term(at(9), 8, "id-b")));
    final List<Outliving> outlivings = new ArrayList<>();
    final List<String> leftOvers = new ArrayList<>();

    HandMade() {
        change(1, "id-a", "load", TaskState.QUEUED, TaskState.RUNNING, 1, 1);
        change(2, "id-a", "broken", TaskState.QUEUED, TaskState.RETRYING, 1, 2);
        change(3, null, "broken", TaskState.RETRYING, TaskState.READY, 1, 0);
        change(4, "id-a", "load", TaskState.RUNNING, TaskState.READY, 1, 1);
        change(5, "id-b", "load", TaskState.QUEUED, TaskState.RUNNING, 2, 3);
        change(6, "id-b", "broken", TaskState.QUEUED, TaskState.FAILED, 2, 4);
        change(6, "id-b", "after", TaskState.BLOCKED, TaskState.SKIPPED, 0, 0);
        change(8, "id-b", "load", TaskState.RUNNING, TaskState.SUCCEEDED, 2, 3);
        change(8, "id-b", "report", TaskState.BLOCKED, TaskState.READY, 0, 0);
        change(9, "id-b", "report", TaskState.QUEUED, TaskState.SUCCEEDED, 1, 5);
        effect("load", 1, 1, "a", Sign.START, 2);
        effect("load", 1, 1, "a", Sign.ALIVE, 3);
        effect("load", 2, 3, "b", Sign.START, 10);
        effect("load", 2, 3, "b", Sign.ALIVE, 11);
        effect("load", 2, 3, "b", Sign.END, 12);
        effect("report", 1, 5, "b", Sign.START, 13);
        effect("report", 1, 5, "b", Sign.END, 14);
    }

    static Instant at(int step) {
        return BEGIN.plus(STEP.multipliedBy(step));
    }

    static TaskKey key(String task) {
        return new TaskKey(RUN, task);
    }

    /** A change in the history's row with this number. */
    void change(long seq, @Nullable String node, String task, TaskState from, TaskState to, int attempt, long fence) {
        changes.add(changeOf(seq, node, task, from, to, attempt, fence));
    }

    private static Change changeOf(
            long seq, @Nullable String node, String task, TaskState from, TaskState to, int attempt, long fence) {
        return new Change(seq, at((int) seq), node, key(task), from, to, attempt, fence);
    }

    /** Puts another change in the place of the one that has this number and task. */
    void instead(long seq, @Nullable String node, String task, TaskState from, TaskState to, int attempt, long fence) {
        var place = changes.indexOf(find(seq, task));
        changes.set(place, changeOf(seq, node, task, from, to, attempt, fence));
    }

    void without(long seq, String task) {
        changes.remove(find(seq, task));
    }

    private Change find(long seq, String task) {
        return changes.stream()
                .filter(change -> change.seq() == seq && change.task().task().equals(task))
                .findFirst()
                .orElseThrow();
    }

    void effect(String task, int attempt, long fence, String node, Sign sign, int step) {
        effects.add(new Effect(key(task), attempt, fence, node, sign, at(step)));
    }

    void ended(RunState state, int step) {
        runs.set(0, new StoredRun(RUN, "mix", state, at(step)));
    }

    Report check() {
        return Checker.check(new History(
                Map.of("mix", new Plan(tasks)),
                answers,
                seen,
                cancelAsked,
                runs,
                changes,
                unknownStarts,
                deadLetters,
                effects,
                List.of(new NodeStart("id-a", "a"), new NodeStart("id-b", "b")),
                terms,
                outlivings,
                at(10),
                Duration.ofSeconds(30),
                leftOvers));
    }
}
