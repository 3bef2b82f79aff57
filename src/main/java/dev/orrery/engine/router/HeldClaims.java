package dev.orrery.engine.router;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.store.WorkRepository.Held;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What this node has claimed and not yet seen committed, and how many of it each worker has. */
final class HeldClaims {

    private final Map<TaskInstanceId, Entry> claims = new HashMap<>();
    /** Claims whose DAG version is being read. */
    private final Set<Held> expected = new HashSet<>();

    private final List<Load> loads;
    private final int roomOfWorker;

    private static final class Entry {
        private final long fence;
        private final Load load;
        private final long givenNanos = System.nanoTime();
        private boolean begun;
        private boolean finished;

        private Entry(long fence, Load load) {
            this.fence = fence;
            this.load = load;
        }

        private void finish() {
            if (!finished) {
                finished = true;
                load.unfinished--;
            }
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

    /** Claims that are ours, though no worker has them yet. */
    void expect(Collection<Held> claims) {
        expected.addAll(claims);
    }

    /** They are given to workers now, or will not be ours. */
    void expectNoMore(Collection<Held> claims) {
        claims.forEach(expected::remove);
    }

    /** Keeps the claim and picks the worker that has the least to do; of several the first. */
    WorkerId assign(TaskAssignment assignment) {
        var load = loads.stream()
                .min(Comparator.comparingInt(candidate -> candidate.unfinished))
                .orElseThrow();
        load.unfinished++;
        var before = claims.put(assignment.instanceId(), new Entry(assignment.fence(), load));
        if (before != null) {
            before.finish();
        }
        return load.worker;
    }

    /** How long after it was given to its worker it began; absent where that was told before. */
    Optional<Duration> begin(Held claim, long startedNanos) {
        return entry(claim).filter(entry -> !entry.begun).map(entry -> {
            entry.begun = true;
            return Duration.ofNanos(Math.max(0, startedNanos - entry.givenNanos));
        });
    }

    /** Whether a worker has it that is not done with it. */
    boolean isUnfinished(Held claim) {
        return entry(claim).filter(entry -> !entry.finished).isPresent();
    }

    /** The worker is done with it, and may be given another; the claim stays until its result is committed. */
    void finish(Held claim) {
        entry(claim).ifPresent(Entry::finish);
    }

    /** The claim is gone: its result was committed, it was handed back or taken away. */
    void forget(Held claim) {
        entry(claim).ifPresent(entry -> {
            entry.finish();
            claims.remove(claim.id());
        });
    }

    boolean holds(Held claim) {
        return expected.contains(claim) || entry(claim).isPresent();
    }

    /** The worker that was given this claim, if the node still holds it. */
    Optional<WorkerId> workerOf(Held claim) {
        return entry(claim).map(entry -> entry.load.worker);
    }

    private Optional<Entry> entry(Held claim) {
        return Optional.ofNullable(claims.get(claim.id())).filter(entry -> entry.fence == claim.fence());
    }

    /** All that was given to workers. */
    List<Held> given() {
        var all = new ArrayList<Held>(claims.size());
        claims.forEach((id, entry) -> all.add(new Held(id, entry.fence)));
        return all;
    }

    /** What workers have that are not done with it. */
    List<Held> unfinishedClaims() {
        var all = new ArrayList<Held>();
        claims.forEach((id, entry) -> {
            if (!entry.finished) {
                all.add(new Held(id, entry.fence));
            }
        });
        return all;
    }

    /** How many claims this worker has, running and queued. */
    int unfinishedOf(WorkerId worker) {
        return loads.stream()
                .filter(load -> load.worker.equals(worker))
                .mapToInt(load -> load.unfinished)
                .sum();
    }

    Collection<WorkerId> workers() {
        return loads.stream().map(load -> load.worker).toList();
    }

    boolean isEmpty() {
        return claims.isEmpty() && expected.isEmpty();
    }

    /** How many claims no worker has yet. */
    int arriving() {
        return expected.size();
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
