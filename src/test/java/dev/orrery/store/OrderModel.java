package dev.orrery.store;

import static java.util.Comparator.comparing;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.task.CalculatedPriority;
import dev.orrery.domain.task.Urgency;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * What single tasks ought to be, in plain words: who waits for whom, who is how urgent, who goes first. It stores nothing
 * that follows from something else, and computes each answer from the beginning.
 */
final class OrderModel {

    enum State {
        BLOCKED,
        READY,
        CLAIMED,
        RETRYING,
        SUCCEEDED,
        FAILED,
        CANCELLED;

        boolean isOpen() {
            return this == BLOCKED || this == READY || this == CLAIMED || this == RETRYING;
        }
    }

    /** What somebody submits. */
    record Wish(int priority, Optional<Instant> deadline, Duration estimate, double weight, Set<UUID> prerequisites) {}

    private final Map<UUID, Wish> wishes = new LinkedHashMap<>();

    /** Only what was done to tasks, not what follows from it. */
    private final Map<UUID, State> fates = new LinkedHashMap<>();

    /** Answers since something was done, for those who ask for all. */
    private final Map<UUID, State> knownStates = new HashMap<>();

    private final Map<UUID, Urgency> knownUrgencies = new HashMap<>();

    void submit(UUID id, Wish wish) {
        forget();
        wishes.put(id, wish);
    }

    void claim(UUID id) {
        forget();
        fates.put(id, State.CLAIMED);
    }

    void succeed(UUID id) {
        forget();
        fates.put(id, State.SUCCEEDED);
    }

    void fail(UUID id) {
        forget();
        fates.put(id, State.FAILED);
    }

    void cancel(UUID id) {
        forget();
        fates.put(id, State.CANCELLED);
    }

    void retryLater(UUID id) {
        forget();
        fates.put(id, State.RETRYING);
    }

    /** A claim was given back, or the time of the next attempt has come. */
    void makeReady(UUID id) {
        forget();
        fates.remove(id);
    }

    void patch(UUID id, int priority, Optional<Instant> deadline) {
        forget();
        var wish = wish(id);
        wishes.put(id, new Wish(priority, deadline, wish.estimate(), wish.weight(), wish.prerequisites()));
    }

    void addEdge(UUID dependent, UUID prerequisite) {
        forget();
        var wish = wish(dependent);
        var all = new LinkedHashSet<>(wish.prerequisites());
        all.add(prerequisite);
        wishes.put(dependent, new Wish(wish.priority(), wish.deadline(), wish.estimate(), wish.weight(), all));
    }

    private void forget() {
        knownStates.clear();
        knownUrgencies.clear();
    }

    Set<UUID> tasks() {
        return wishes.keySet();
    }

    List<UUID> in(State state) {
        return wishes.keySet().stream().filter(id -> state(id) == state).toList();
    }

    List<UUID> open() {
        return wishes.keySet().stream().filter(id -> state(id).isOpen()).toList();
    }

    State state(UUID id) {
        var known = knownStates.get(id);
        if (known == null) {
            known = stateAnew(id);
            knownStates.put(id, known);
        }
        return known;
    }

    private State stateAnew(UUID id) {
        var fate = fates.get(id);
        if (fate != null) {
            return fate;
        }
        var others = wish(id).prerequisites().stream().map(this::state).toList();
        if (others.contains(State.FAILED) || others.contains(State.CANCELLED)) {
            return State.CANCELLED;
        }
        return others.stream().allMatch(state -> state == State.SUCCEEDED) ? State.READY : State.BLOCKED;
    }

    int depth(UUID id) {
        return wish(id).prerequisites().stream()
                .mapToInt(prerequisite -> 1 + depth(prerequisite))
                .max()
                .orElse(0);
    }

    /** How many it waits for. */
    int unmet(UUID id) {
        return (int) wish(id).prerequisites().stream()
                .filter(prerequisite -> state(prerequisite) != State.SUCCEEDED)
                .count();
    }

    List<UUID> openDependents(UUID id) {
        return wishes.keySet().stream()
                .filter(other -> wish(other).prerequisites().contains(id))
                .filter(other -> state(other).isOpen())
                .toList();
    }

    /** Of an open task, as all that follows here. */
    float calculatedPriority(UUID id) {
        var wish = wish(id);
        return CalculatedPriority.of(
                wish.priority(), depth(id), openDependents(id).size(), wish.weight());
    }

    Urgency own(UUID id) {
        var wish = wish(id);
        return new Urgency(calculatedPriority(id), wish.deadline().map(deadline -> deadline.minus(wish.estimate())));
    }

    /** Its own, and that of all that waits for it, directly or not. */
    Urgency urgency(UUID id) {
        var known = knownUrgencies.get(id);
        if (known == null) {
            known = urgencyAnew(id);
            knownUrgencies.put(id, known);
        }
        return known;
    }

    private Urgency urgencyAnew(UUID id) {
        return openDependents(id).stream().map(this::urgency).reduce(own(id), Urgency::orMore);
    }

    /** Who is taken first, where this is when each ready task became so. */
    List<UUID> order(Map<UUID, Instant> readyAt) {
        var ready = new ArrayList<>(readyAt.keySet());
        ready.sort(comparing((UUID id) -> urgency(id).latestStart(requireNonNull(readyAt.get(id))))
                .thenComparing(UUID::toString));
        return ready;
    }

    private Wish wish(UUID id) {
        return requireNonNull(wishes.get(id), () -> "no task " + id);
    }
}
