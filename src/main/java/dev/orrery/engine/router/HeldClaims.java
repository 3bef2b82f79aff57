package dev.orrery.engine.router;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.store.WorkRepository.Held;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What this node has claimed and not yet seen committed, and how many of it each worker has. */
final class HeldClaims {

    private final Map<TaskInstanceId, Entry> claims = new HashMap<>();
    private final List<Load> loads;
    private final int roomOfWorker;

    private static final class Entry {
        private final TaskAssignment assignment;
        private final Load load;
        private boolean finished;

        private Entry(TaskAssignment assignment, Load load) {
            this.assignment = assignment;
            this.load = load;
        }
    }

    /** The count of one worker's claims: those it runs, those in its queue, those on the way to it. */
    private static final class Load {
        private final WorkerId worker;
        private int unfinished;

        private Load(WorkerId worker) {
            this.worker = worker;
        }
    }

    /** {@code roomOfWorker}: how many a worker may have, running and queued. */
    HeldClaims(List<WorkerId> workers, int roomOfWorker) {
        this.loads = workers.stream().map(Load::new).toList();
        this.roomOfWorker = roomOfWorker;
    }

    /** Keeps the claim and picks the worker that has the least to do. */
    WorkerId assign(TaskAssignment assignment) {
        var load = loads.stream()
                .min(Comparator.comparingInt(candidate -> candidate.unfinished))
                .orElseThrow();
        load.unfinished++;
        claims.put(assignment.instanceId(), new Entry(assignment, load));
        return load.worker;
    }

    /**
     * The worker is done with it, and may be given another; the claim stays until its result is committed. False where
     * that was known, or the claim is not held: a report that comes twice counts once.
     */
    boolean finished(TaskAssignment assignment) {
        if (!isUnfinished(assignment)) {
            return false;
        }
        var entry = requireNonNull(claims.get(assignment.instanceId()));
        entry.finished = true;
        entry.load.unfinished--;
        return true;
    }

    /** Whether it is held and its worker has not been done with it. */
    boolean isUnfinished(TaskAssignment assignment) {
        var entry = claims.get(assignment.instanceId());
        return entry != null && !entry.finished && entry.assignment.fence() == assignment.fence();
    }

    /** The claim is gone: its result was committed, it was handed back or taken away. */
    void forget(TaskInstanceId id, long fence) {
        var entry = claims.get(id);
        if (entry != null && entry.assignment.fence() == fence) {
            claims.remove(id);
        }
    }

    boolean holds(Held claim) {
        var entry = claims.get(claim.id());
        return entry != null && entry.assignment.fence() == claim.fence();
    }

    /** The worker that was given this claim, if the node still holds it. */
    Optional<WorkerId> workerOf(Held claim) {
        return Optional.ofNullable(claims.get(claim.id()))
                .filter(entry -> entry.assignment.fence() == claim.fence())
                .map(entry -> entry.load.worker);
    }

    List<Held> all() {
        var all = new ArrayList<Held>(claims.size());
        claims.forEach((id, entry) -> all.add(new Held(id, entry.assignment.fence())));
        return all;
    }

    Collection<WorkerId> workers() {
        return loads.stream().map(load -> load.worker).toList();
    }

    boolean isEmpty() {
        return claims.isEmpty();
    }

    /** How many claims the workers have in all, running and queued. */
    int unfinished() {
        return loads.stream().mapToInt(load -> load.unfinished).sum();
    }

    /** How many more claims all workers together could take. */
    int room() {
        return loads.size() * roomOfWorker - unfinished();
    }
}
