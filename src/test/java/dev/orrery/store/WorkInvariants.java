package dev.orrery.store;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskEvent;
import dev.orrery.domain.task.TaskState;
import dev.orrery.domain.task.TaskTransitions;
import dev.orrery.store.WorkSnapshot.Attempt;
import dev.orrery.store.WorkSnapshot.AttemptKey;
import dev.orrery.store.WorkSnapshot.Batch;
import dev.orrery.store.WorkSnapshot.Change;
import dev.orrery.store.WorkSnapshot.Counted;
import dev.orrery.store.WorkSnapshot.DeadLetter;
import dev.orrery.store.WorkSnapshot.Member;
import dev.orrery.store.WorkSnapshot.Run;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What must hold of the rows of the hot path at any moment at which the database can be looked at, told as the list of
 * what does not.
 */
public final class WorkInvariants {

    private record OpenClaim(Batch batch, Member member) {}

    private final WorkSnapshot rows;
    private final Map<UUID, List<OpenClaim>> openClaims = new HashMap<>();
    private final Map<UUID, TaskState> states = new HashMap<>();
    private final List<String> violations = new ArrayList<>();

    private WorkInvariants(WorkSnapshot rows) {
        this.rows = rows;
    }

    /** {@code connection}: its transaction is taken for a look and ended. */
    public static List<String> violations(Connection connection) throws SQLException {
        return violations(WorkSnapshot.read(connection));
    }

    /** The same when every run has ended: nothing may be left over. */
    public static List<String> violationsAtTheEnd(Connection connection) throws SQLException {
        var rows = WorkSnapshot.read(connection);
        return Stream.concat(violations(rows).stream(), leftOvers(rows).stream())
                .toList();
    }

    static List<String> violations(WorkSnapshot rows) {
        var invariants = new WorkInvariants(rows);
        invariants.findOpenClaims();
        rows.versionOfTask().keySet().forEach(invariants::standsInOnePlace);
        rows.versionOfTask().keySet().forEach(invariants::fitsItsUpstreams);
        rows.versionOfTask().keySet().forEach(invariants::hasConsistentAttempts);
        invariants.nothingStandsWithoutATask();
        invariants.requestsBelongToOpenClaims();
        invariants.deadLettersAreFinalFailures();
        invariants.locksAreWithThoseWhoWork();
        invariants.nobodyWaitsForAFreeLockInVain();
        rows.runs().forEach(invariants::runIsCounted);
        rows.runs().forEach(invariants::eventsTellTheStates);
        return invariants.violations;
    }

    /** What must hold in addition when every run has ended. */
    static List<String> leftOvers(WorkSnapshot rows) {
        return Stream.of(
                        rows.runs().entrySet().stream()
                                .filter(run -> !run.getValue().state().isTerminal())
                                .map(run -> "run " + run.getKey() + " is " + run.getValue()),
                        rows.unmet().keySet().stream().map(id -> "still waits: " + id),
                        rows.ready().keySet().stream().map(id -> "still ready: " + id),
                        rows.timers().keySet().stream().map(id -> "still has a timer: " + id),
                        rows.lockWaits().keySet().stream().map(id -> "still waits for a lock: " + id),
                        rows.locks().values().stream()
                                .filter(lock -> lock.holder() != null)
                                .map(lock -> "still held: " + lock),
                        rows.batches().stream().map(batch -> "still claimed: " + batch),
                        rows.requests().keySet().stream().map(id -> "still asked to end: " + id))
                .flatMap(lines -> lines)
                .toList();
    }

    private void require(boolean holds, String otherwise) {
        if (!holds) {
            violations.add(otherwise);
        }
    }

    private void findOpenClaims() {
        for (var batch : rows.batches()) {
            var open = batch.members().stream()
                    .filter(member -> outcome(member.id(), member.attempt()) == null)
                    .toList();
            open.forEach(member -> openClaims
                    .computeIfAbsent(member.id(), _ -> new ArrayList<>())
                    .add(new OpenClaim(batch, member)));
            require(batch.openCount() == open.size(), "batch counts wrongly, open are " + open.size() + ": " + batch);
        }
    }

    private @Nullable String outcome(UUID task, int attempt) {
        var row = attemptsOf(task).get(attempt);
        return row == null ? null : row.outcome();
    }

    private NavigableMap<Integer, Attempt> attemptsOf(UUID task) {
        return rows.attempts().getOrDefault(task, new TreeMap<>());
    }

    private void standsInOnePlace(UUID task) {
        var claims = openClaims.getOrDefault(task, List.of());
        var latest = attemptsOf(task).lastEntry();
        var places = new ArrayList<TaskState>();
        if (rows.unmet().containsKey(task)) {
            places.add(TaskState.BLOCKED);
        }
        if (rows.ready().containsKey(task)) {
            places.add(TaskState.READY);
        }
        if (rows.lockWaits().containsKey(task)) {
            places.add(TaskState.READY);
        }
        if (rows.timers().containsKey(task)) {
            places.add(TaskState.RETRYING);
        }
        for (var claim : claims) {
            var began = attemptsOf(task).get(claim.member().attempt());
            require(
                    began == null || began.fence() == claim.batch().fence(),
                    "attempt runs under another fence: " + task + " " + claim + " " + began);
            places.add(began == null ? TaskState.QUEUED : TaskState.RUNNING);
        }
        if (latest != null && latest.getValue().state().isTerminal()) {
            places.add(latest.getValue().state());
        }
        require(places.size() == 1, "task stands in " + places + ", attempts " + attemptsOf(task) + ": " + task);
        states.put(task, places.isEmpty() ? TaskState.PENDING : places.getFirst());
    }

    private TaskState stateOf(UUID run, int number) {
        return states.getOrDefault(TaskInstanceId.of(new RunId(run), number).value(), TaskState.PENDING);
    }

    private void fitsItsUpstreams(UUID task) {
        var run = WorkSnapshot.runOf(task);
        var upstreams = rows.upstreamsOf(task).stream()
                .map(number -> stateOf(run, number))
                .toList();
        var open = (int)
                upstreams.stream().filter(state -> state != TaskState.SUCCEEDED).count();
        var hopeless = upstreams.stream().anyMatch(state -> state.isTerminal() && state != TaskState.SUCCEEDED);
        var state = Objects.requireNonNull(states.get(task));
        switch (state) {
            case BLOCKED -> {
                require(
                        rows.unmet().get(task) == open,
                        "unmet is " + rows.unmet().get(task) + " but upstreams are " + upstreams + ": " + task);
                require(!hopeless, "waits for ever, upstreams are " + upstreams + ": " + task);
            }
            case SKIPPED -> require(hopeless, "skipped, but upstreams are " + upstreams + ": " + task);
            case CANCELLED -> {}
            default -> require(open == 0, "is " + state + " but upstreams are " + upstreams + ": " + task);
        }
    }

    private void hasConsistentAttempts(UUID task) {
        var attempts = attemptsOf(task);
        var state = states.get(task);
        var counted = attempts.tailMap(rows.redriven().getOrDefault(task, 0), false);
        var charged = (int) counted.values().stream()
                .filter(row -> Set.of("failed", "timed_out").contains(String.valueOf(row.outcome())))
                .count();
        var last = attempts.isEmpty() ? 0 : attempts.lastKey();
        for (var waiting : Stream.of(
                        rows.ready().get(task),
                        rows.timers().get(task),
                        Optional.ofNullable(rows.lockWaits().get(task))
                                .map(WorkSnapshot.LockWait::counted)
                                .orElse(null))
                .filter(Objects::nonNull)
                .toList()) {
            require(
                    waiting.equals(new Counted(last, charged)),
                    "waits with " + waiting + " after " + attempts + ": " + task);
        }
        for (var claim : openClaims.getOrDefault(task, List.of())) {
            var expected = state == TaskState.RUNNING ? last : last + 1;
            require(
                    claim.member().attempt() == expected && claim.member().failures() == charged,
                    "claimed as " + claim.member() + " after " + attempts + ": " + task);
        }
        numbersAndFencesGrow(task, attempts);
        attempts.forEach((number, row) -> {
            var mayStay = Set.of(TaskState.RETRYING, TaskState.READY).contains(row.state()) && row.outcome() != null;
            require(number.equals(last) || mayStay, "an earlier attempt is " + row + ": " + task);
            var hasOutput = rows.outputs().contains(new AttemptKey(task, number));
            require(!hasOutput || "succeeded".equals(row.outcome()), "an output of " + row + ": " + task);
        });
    }

    private void numbersAndFencesGrow(UUID task, NavigableMap<Integer, Attempt> attempts) {
        var neverBegan = attempts.size() == 1 && attempts.firstKey() == 0;
        var fence = -1L;
        var expected = neverBegan ? 0 : 1;
        for (var attempt : attempts.entrySet()) {
            require(attempt.getKey() == expected++, "attempts are numbered " + attempts.keySet() + ": " + task);
            require(attempt.getValue().fence() > fence, "fences do not grow: " + attempts + ": " + task);
            fence = attempt.getValue().fence();
        }
    }

    private void nothingStandsWithoutATask() {
        Stream.of(
                        rows.unmet().keySet(),
                        rows.ready().keySet(),
                        rows.timers().keySet(),
                        rows.lockWaits().keySet(),
                        openClaims.keySet(),
                        rows.attempts().keySet())
                .flatMap(Set::stream)
                .forEach(id -> require(rows.versionOfTask().containsKey(id), "row of no task: " + id));
    }

    private void requestsBelongToOpenClaims() {
        rows.requests().forEach((task, request) -> {
            var claims = openClaims.getOrDefault(task, List.of());
            require(
                    claims.stream()
                            .anyMatch(claim -> claim.batch().fence() == request.fence()
                                    && claim.batch().node().equals(request.node())),
                    "asked to end under " + request + ", but claims are " + claims + ": " + task);
        });
    }

    /** Who is at work holds what it needs, so no two of them need the same; and nothing is held by anybody else. */
    private void locksAreWithThoseWhoWork() {
        var holders = new HashMap<Integer, UUID>();
        rows.runs().forEach((id, run) -> {
            var lock = rows.wanted().getOrDefault(run.version(), Map.of()).get(0);
            if (lock != null && hasBegun(id) && !run.state().isTerminal()) {
                expectHolder(holders, lock, id);
            }
        });
        openClaims.keySet().forEach(task -> {
            var lock = rows.wanted()
                    .getOrDefault(rows.versionOfTask().get(task), Map.of())
                    .get(WorkSnapshot.numberOf(task));
            if (lock != null) {
                expectHolder(holders, lock, task);
            }
        });
        rows.locks()
                .forEach((id, lock) -> require(
                        Objects.equals(lock.holder(), holders.get(id)),
                        "held by " + lock.holder() + ", at work is " + holders.get(id) + ": " + lock));
    }

    /** A run that was claimed from once, and handed back unstarted, shows no trace of it but its lock. */
    private boolean hasBegun(UUID run) {
        var tasks = rows.versionOfTask().keySet().stream()
                .filter(task -> WorkSnapshot.runOf(task).equals(run))
                .toList();
        // One that had ended and goes on takes its lock anew with its next claim.
        var goesOn = tasks.stream().anyMatch(task -> rows.redriven().containsKey(task));
        return tasks.stream()
                        .anyMatch(task -> openClaims.containsKey(task)
                                || (!goesOn
                                        && attemptsOf(task).values().stream().anyMatch(Attempt::began)))
                || rows.locks().values().stream().anyMatch(lock -> run.equals(lock.holder()));
    }

    private void expectHolder(Map<Integer, UUID> holders, int lock, UUID holder) {
        var other = holders.put(lock, holder);
        require(other == null, "two hold the lock " + rows.locks().get(lock) + ": " + other + " and " + holder);
    }

    /** Who waits for a lock that is free has somebody before it, in its own queue, whom the next claim finds. */
    private void nobodyWaitsForAFreeLockInVain() {
        rows.lockWaits().forEach((task, wait) -> {
            var lock = Objects.requireNonNull(rows.locks().get(wait.lock()));
            require(rows.locksOf(task).contains(wait.lock()), "waits for a lock that it does not need: " + task);
            require(
                    !WorkSnapshot.runOf(task).equals(lock.holder()) && !task.equals(lock.holder()),
                    "waits for the lock that it has, " + lock + ": " + task);
            var queue = rows.queues().get(task);
            require(
                    lock.holder() != null
                            || rows.ready().keySet().stream()
                                    .anyMatch(
                                            ready -> queue.equals(rows.queues().get(ready))
                                                    && rows.locksOf(ready).contains(wait.lock())),
                    "waits in vain for " + lock + " in " + queue + ": " + task);
        });
    }

    private void deadLettersAreFinalFailures() {
        var expected = new HashSet<DeadLetter>();
        rows.attempts()
                .forEach((task, attempts) -> attempts.forEach((number, row) -> {
                    if (row.state() == TaskState.FAILED || row.state() == TaskState.TIMED_OUT) {
                        expected.add(new DeadLetter(task, number, String.valueOf(row.outcome())));
                    }
                }));
        require(
                expected.equals(rows.deadLetters()),
                "dead letters are " + rows.deadLetters() + ", final failures " + expected);
    }

    private void runIsCounted(UUID id, Run run) {
        var tasks = rows.versionOfTask().keySet().stream()
                .filter(task -> WorkSnapshot.runOf(task).equals(id))
                .toList();
        var ended = tasks.stream().map(states::get).filter(Objects::nonNull).toList();
        var remaining = ended.stream().filter(state -> !state.isTerminal()).count();
        var failed = ended.stream()
                .filter(state -> state == TaskState.FAILED || state == TaskState.TIMED_OUT)
                .count();
        var cancelled =
                ended.stream().filter(state -> state == TaskState.CANCELLED).count();
        require(
                run.remaining() == remaining && run.failed() == failed && run.cancelled() == cancelled,
                "run counts " + run + " but its tasks are " + ended + ": " + id);
        var cancelAsked = rows.events().getOrDefault(id, List.of()).stream()
                .anyMatch(event -> event.runState() == RunState.CANCELLING);
        var began = tasks.stream()
                .anyMatch(task -> attemptsOf(task).values().stream().anyMatch(Attempt::began));
        var expected = remaining == 0
                ? RunState.atEnd(cancelAsked, run.failed(), run.cancelled())
                : cancelAsked ? RunState.CANCELLING : began ? RunState.RUNNING : RunState.PENDING;
        require(run.state() == expected, "run is " + run.state() + " but should be " + expected + ": " + id);
        if (run.state() == RunState.CANCELLING) {
            tasks.stream()
                    .filter(task -> !Objects.requireNonNull(states.get(task)).isTerminal())
                    .forEach(task -> require(
                            rows.requests().containsKey(task),
                            "run is cancelling, but nobody is asked to end " + task + ", " + states.get(task)));
        }
    }

    /** The history, read in the order of its numbers, leads each task by legal steps to where it stands. */
    private void eventsTellTheStates(UUID id, Run run) {
        var told = new HashMap<Integer, TaskState>();
        var fences = new HashMap<Integer, Long>();
        RunState runState = RunState.PENDING;
        for (var event : rows.events().getOrDefault(id, List.of())) {
            runState = event.runState() == null ? runState : event.runState();
            for (var change : event.changes()) {
                replay(id, run, told, change);
                if (change.fence() > 0) {
                    var before = fences.put(change.taskNumber(), change.fence());
                    require(before == null || before <= change.fence(), "fences go back in " + event + ": " + id);
                }
            }
        }
        require(runState == run.state(), "events say the run is " + runState + ", it is " + run.state() + ": " + id);
        for (var task : rows.versionOfTask().keySet()) {
            if (WorkSnapshot.runOf(task).equals(id)) {
                var number = WorkSnapshot.numberOf(task);
                var said = told.getOrDefault(number, first(run, number));
                var is = states.get(task);
                require(
                        said == is || (said == TaskState.READY && is == TaskState.QUEUED),
                        "events say " + said + ", it is " + is + ": " + task);
            }
        }
    }

    private TaskState first(Run run, int number) {
        return rows.upstreams().getOrDefault(run.version(), Map.of()).containsKey(number)
                ? TaskState.BLOCKED
                : TaskState.READY;
    }

    private void replay(UUID id, Run run, Map<Integer, TaskState> told, Change change) {
        var before = told.getOrDefault(change.taskNumber(), first(run, change.taskNumber()));
        // That a node takes a task is no event: the claim batch tells it.
        var from = before == TaskState.READY && change.from() == TaskState.QUEUED ? TaskState.QUEUED : before;
        require(from == change.from(), "event says " + change + " but the task was " + before + ": " + id);
        require(isLegal(change), "no event leads from " + change.from() + " to " + change.to() + ": " + id);
        told.put(change.taskNumber(), change.to());
    }

    private static boolean isLegal(Change change) {
        // What is sent back waits or is ready at once.
        var from = TaskTransitions.find(change.from(), TaskEvent.REOPEN).orElse(change.from());
        return Stream.of(TaskEvent.values())
                .anyMatch(event -> TaskTransitions.find(from, event)
                        .filter(to -> to == change.to())
                        .isPresent());
    }
}
