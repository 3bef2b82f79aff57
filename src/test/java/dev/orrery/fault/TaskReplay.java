package dev.orrery.fault;

import dev.orrery.domain.task.TaskState;
import dev.orrery.fault.History.Change;
import dev.orrery.fault.History.Claim;
import dev.orrery.fault.History.PlannedTask;
import dev.orrery.fault.History.TaskKey;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The life of one task, gone through change by change. That a task was claimed is not in the history by itself: the first
 * change under a fence shows it. So a claim counts as open from there until a change takes the task away from it.
 */
final class TaskReplay {

    private final TaskKey task;
    private final PlannedTask planned;
    private final List<Change> changes;
    private final Set<Claim> unknownStarts;
    private final Set<Long> unbegun = new HashSet<>();
    private final List<Violation> violations = new ArrayList<>();
    private final Map<Long, String> holders = new HashMap<>();

    private TaskState state;
    private Optional<Change> claim = Optional.empty();
    private long greatestFence;
    private int begunAttempts;
    private int failures;
    private int losses;

    TaskReplay(TaskKey task, PlannedTask planned, List<Change> changes, Set<Claim> unknownStarts) {
        this.task = task;
        this.planned = planned;
        this.changes = changes;
        this.unknownStarts = unknownStarts;
        this.state = planned.dependencies().isEmpty() ? TaskState.READY : TaskState.BLOCKED;
        changes.forEach(this::follow);
    }

    List<Violation> violations() {
        return violations;
    }

    TaskState state() {
        return state;
    }

    PlannedTask planned() {
        return planned;
    }

    List<Change> changes() {
        return changes;
    }

    /** Which node held the claim with this fence. */
    Optional<String> holder(long fence) {
        return Optional.ofNullable(holders.get(fence));
    }

    /** Whether the claim with this fence was given up before any work was done under it, as the database says. */
    boolean isUnbegun(long fence) {
        return unbegun.contains(fence);
    }

    /** The change that ended it. */
    Optional<Change> end() {
        return changes.stream().filter(change -> change.to().isTerminal()).findFirst();
    }

    /** How many attempts were charged to it as failed. */
    int failures() {
        return failures;
    }

    /** How many attempts that had begun were taken away from their nodes. */
    int losses() {
        return losses;
    }

    private void follow(Change change) {
        if (state.isTerminal()) {
            blame(Rule.ONE_RESULT, "a change came after the end of " + task, change);
            return;
        }
        switch (change.from()) {
            case QUEUED -> beginClaim(change);
            case RUNNING -> goOn(change);
            default -> moveUnclaimed(change);
        }
        if (!mayFollow(change.from()).contains(change.to())) {
            blame(Rule.LEGAL_CHANGE, "no " + change.from() + " may become " + change.to(), change);
        }
        count(change);
        state = change.to();
        if (state != TaskState.RUNNING) {
            claim = Optional.empty();
        }
    }

    /** The first that is told of a claim. */
    private void beginClaim(Change change) {
        if (claim.isPresent()) {
            blame(Rule.ONE_CLAIM, "two claims of " + task + " at one time", claim.get(), change);
        } else if (state != TaskState.READY) {
            blame(Rule.LEGAL_CHANGE, "claimed while " + state, change);
        }
        if (change.fence() <= greatestFence) {
            blame(Rule.FENCES_GROW, "fence " + change.fence() + " came after fence " + greatestFence, change);
        }
        if (change.attempt() != begunAttempts + 1) {
            blame(
                    Rule.ATTEMPTS_COUNT,
                    begunAttempts + " attempts had begun before attempt " + change.attempt(),
                    change);
        }
        greatestFence = Math.max(greatestFence, change.fence());
        claim = Optional.of(change);
        if (change.node() != null) {
            holders.put(change.fence(), change.node());
        }
    }

    /** Something more under the claim that is open. */
    private void goOn(Change change) {
        var open = claim.map(Change::fence).orElse(0L);
        if (state != TaskState.RUNNING) {
            var rule = change.fence() <= greatestFence ? Rule.FENCES_GROW : Rule.LEGAL_CHANGE;
            blame(rule, "told of as running while it was " + state, change);
        } else if (change.fence() != open) {
            blame(Rule.ONE_CLAIM, "two claims of " + task + " at one time", claim.orElseThrow(), change);
        }
    }

    private void moveUnclaimed(Change change) {
        if (claim.isPresent()) {
            blame(Rule.ONE_CLAIM, task + " moved while it was claimed", claim.get(), change);
        } else if (change.from() != state) {
            blame(Rule.LEGAL_CHANGE, "told of as " + change.from() + " while it was " + state, change);
        }
    }

    private void count(Change change) {
        if (change.from() == TaskState.QUEUED) {
            if (change.to() == TaskState.READY && !unknownStarts.contains(new Claim(task, change.fence()))) {
                unbegun.add(change.fence());
            } else {
                begunAttempts = Math.max(begunAttempts, change.attempt());
            }
        }
        if (change.from() == TaskState.RUNNING && change.to() == TaskState.READY) {
            losses++;
        }
        switch (change.to()) {
            case RETRYING, FAILED, TIMED_OUT -> failures++;
            default -> {}
        }
    }

    /** By the specification, in the checker's own words: it must not learn them from what it judges. */
    private static Set<TaskState> mayFollow(TaskState from) {
        return switch (from) {
            case BLOCKED -> EnumSet.of(TaskState.READY, TaskState.SKIPPED, TaskState.CANCELLED);
            case READY -> EnumSet.of(TaskState.CANCELLED);
            case RETRYING -> EnumSet.of(TaskState.READY, TaskState.CANCELLED);
            case QUEUED ->
                EnumSet.complementOf(
                        EnumSet.of(TaskState.PENDING, TaskState.BLOCKED, TaskState.QUEUED, TaskState.SKIPPED));
            case RUNNING ->
                EnumSet.complementOf(EnumSet.of(
                        TaskState.PENDING, TaskState.BLOCKED, TaskState.QUEUED, TaskState.RUNNING, TaskState.SKIPPED));
            case PENDING, SUCCEEDED, FAILED, TIMED_OUT, SKIPPED, CANCELLED -> EnumSet.noneOf(TaskState.class);
        };
    }

    /** With all that is told of the task, since a single change shows little. */
    private void blame(Rule rule, String what, Change... changesMeant) {
        var evidence = new ArrayList<String>();
        for (var change : changesMeant) {
            evidence.add(change.toString());
        }
        evidence.add("all of it: "
                + changes.stream()
                        .map(c ->
                                c.from().wireName() + "-" + c.to().wireName() + " #" + c.seq() + " fence " + c.fence())
                        .toList());
        violations.add(new Violation(rule, what, evidence));
    }
}
