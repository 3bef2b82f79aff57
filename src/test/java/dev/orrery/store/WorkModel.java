package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.LockName;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.store.WorkRepository.Exchange;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Does to the hot path what a few nodes and their users do, in an order drawn by lot, and all they may do wrong: it
 * reports twice, reports what it has lost, changes its mind, dies. It keeps what was answered and compares.
 */
final class WorkModel {

    private static final List<String> QUEUES = List.of("default", "other");
    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final int MAX_FAILURES = 3;
    private static final int MAX_DRAIN_ROUNDS = 4_000;
    private static final int LOCKS = 5;

    private final Vertx vertx;
    private final TestDatabase database;
    private final WorkRepository work;
    private final RandomGenerator random;
    private final int width;

    private final List<DagId> dags = new ArrayList<>();
    private final List<RunId> runs = new ArrayList<>();
    private final Map<RunId, List<TaskDefinition>> tasksOfRun = new HashMap<>();
    private final Map<DagId, List<TaskDefinition>> tasksOfDag = new HashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final List<AttemptReport> told = new ArrayList<>();
    private final List<Claim> claimed = new ArrayList<>();
    private final Map<Held, String> accepted = new HashMap<>();
    private final List<Pending<?>> pending = new ArrayList<>();

    private static final class Node {
        private final NodeId id;
        private final Map<TaskInstanceId, Claim> claims = new LinkedHashMap<>();
        private final Map<TaskInstanceId, Long> started = new HashMap<>();

        private Node(NodeId id) {
            this.id = id;
        }

        private boolean holds(AttemptReport report) {
            var claim = claims.get(report.id());
            return claim != null && claim.fence() == report.fence();
        }

        private List<Claim> shuffled(RandomGenerator random) {
            var all = new ArrayList<>(claims.values());
            Collections.shuffle(all, java.util.Random.from(random));
            return all;
        }
    }

    private record Pending<T>(Future<T> answer, Consumer<T> then) {

        void settle() {
            then.accept(await(answer));
        }
    }

    /** {@code width}: how many calls are under way at once; with one each answer is foreseen exactly. */
    WorkModel(Vertx vertx, TestDatabase database, WorkRepository work, RandomGenerator random, int width) {
        this.vertx = vertx;
        this.database = database;
        this.work = work;
        this.random = random;
        this.width = width;
    }

    /** Plays this many steps and then lets all runs end, looking at the rows {@code looks} times on the way. */
    void play(int steps, int looks, Connection looking) throws SQLException {
        for (var n = 0; n < 3; n++) {
            publish();
            join();
        }
        createRuns();
        for (var step = 1; step <= steps; step++) {
            act();
            if (step % Math.max(1, steps / looks) == 0) {
                assertThat(WorkInvariants.violations(WorkSnapshot.read(looking)))
                        .isEmpty();
            }
        }
        drain();
        var rows = WorkSnapshot.read(looking);
        assertThat(WorkInvariants.violations(rows)).isEmpty();
        assertThat(WorkInvariants.leftOvers(rows)).isEmpty();
        claimsOfATaskFollowEachOther();
        numbersOfLocksGrow();
    }

    private void act() throws SQLException {
        switch (random.nextInt(21)) {
            case 0, 1 -> createRuns();
            case 2 -> cancelRun();
            case 3, 4 -> cancelTask();
            case 5, 6 -> wake();
            case 7 -> handBack();
            case 8 -> obeyCancels();
            case 9 -> die();
            case 10 -> redrive();
            case 11 -> submit(vertx.executeBlocking(() -> Overdues.end(database), false), _ -> {});
            default -> exchange();
        }
    }

    // What is done.

    private void publish() throws SQLException {
        var tasks = new ArrayList<TaskDefinition>();
        var count = random.nextInt(1, 30);
        var density = random.nextInt(4);
        for (var n = 0; n < count; n++) {
            var upstreams = new LinkedHashSet<TaskId>();
            for (var edge = 0; n > 0 && edge < random.nextInt(density + 1); edge++) {
                upstreams.add(new TaskId("t" + random.nextInt(n)));
            }
            tasks.add(new TaskDefinition(
                    new TaskId("t" + n),
                    "t" + n,
                    new TaskType.Handler("noop", Json.NULL),
                    TaskDefinition.DEFAULT_TIMEOUT,
                    RetryPolicy.DEFAULT,
                    upstreams,
                    random.nextInt(11),
                    QUEUES.get(random.nextInt(2))));
        }
        var dag = publish(tasks);
        dags.add(dag);
        tasksOfDag.put(dag, tasks);
    }

    /** With locks or without. A lock is behind those before it, so that no two runs can wait for each other for ever. */
    private DagId publish(List<TaskDefinition> tasks) throws SQLException {
        var ofDag = random.nextInt(LOCKS);
        var hasLock = random.nextInt(3) == 0;
        if (random.nextInt(2) == 0) {
            tasks.replaceAll(task -> random.nextInt(4) == 0
                    ? task.locking(new LockName("lock-" + random.nextInt(ofDag + 1, LOCKS + 1)))
                    : task);
        }
        return Graphs.publish(database, tasks, hasLock ? Optional.of(new LockName("lock-" + ofDag)) : Optional.empty());
    }

    private void join() throws SQLException {
        var id = new NodeId(IDS.next(System.currentTimeMillis()));
        try (var connection = database.connect()) {
            NodeRepository.register(connection, new Registration(id, "n", 1, "cluster", "x"));
        }
        nodes.add(new Node(id));
    }

    private void createRuns() {
        var asked = new ArrayList<NewRun>();
        for (var n = random.nextInt(1, 4); n > 0; n--) {
            var dag = dags.get(random.nextInt(dags.size()));
            var run = new RunId(IDS.next(System.currentTimeMillis()));
            tasksOfRun.put(run, tasksOfDag.get(dag));
            asked.add(new NewRun(
                    run, TenantId.DEFAULT, dag, Trigger.API, Optional.empty(), Optional.empty(), Optional.empty()));
        }
        submit(work.createRuns(asked), results -> {
            assertThat(results).hasSameSizeAs(asked).hasOnlyElementsOfType(NewRun.Result.Created.class);
            asked.forEach(run -> runs.add(run.id()));
        });
    }

    private void cancelRun() {
        pick(runs)
                .ifPresent(run -> submit(
                        work.cancel(TenantId.DEFAULT, run, Optional.empty()),
                        answer -> assertThat(answer).isPresent()));
    }

    private void cancelTask() {
        pick(runs).ifPresent(run -> {
            var task = pick(tasksOfRun.get(run)).orElseThrow();
            submit(
                    work.cancel(TenantId.DEFAULT, run, Optional.of(task.id())),
                    answer -> assertThat(answer).isPresent());
        });
    }

    private void wake() {
        submit(work.wakeDue(random.nextInt(1, 5)), _ -> {});
    }

    private void handBack() {
        var node = pick(nodes).orElseThrow();
        var claims = node.shuffled(random);
        var held = claims.subList(0, claims.isEmpty() ? 0 : random.nextInt(claims.size())).stream()
                .map(claim -> new Held(claim.id(), claim.fence()))
                .toList();
        submit(work.handBack(node.id, held), _ -> held.forEach(claim -> lose(node, claim)));
    }

    private void obeyCancels() {
        var node = pick(nodes).orElseThrow();
        submit(work.cancelRequests(node.id), asked -> {
            var reports = asked.stream()
                    .flatMap(claim -> Optional.ofNullable(node.claims.get(claim.id())).stream()
                            .filter(mine -> mine.fence() == claim.fence()))
                    .map(claim -> report(claim, Optional.of(new Verdict.Cancel())))
                    .toList();
            tell(node, reports, 0);
        });
    }

    /** A node is fenced and what it held is taken back; it may not have noticed, and goes on telling. */
    private void die() throws SQLException {
        if (nodes.size() < 3) {
            join();
        }
        var node = nodes.remove(random.nextInt(nodes.size()));
        submit(
                vertx.executeBlocking(
                        () -> {
                            try (var connection = database.connect()) {
                                assertThat(NodeRepository.fence(connection, node.id, 0))
                                        .isTrue();
                                NodeRepository.takeBackOrphans(connection);
                            }
                            return node;
                        },
                        false),
                dead -> {
                    var late = dead.shuffled(random).stream()
                            .map(claim -> report(claim, Optional.of(new Verdict.Succeed(Json.NULL))))
                            .toList();
                    dead.claims.clear();
                    tell(dead, late, 3);
                });
    }

    /** Tasks that failed for good are sent back, whatever else is done to their runs meanwhile. */
    private void redrive() {
        submit(
                vertx.executeBlocking(
                        () -> {
                            try (var connection = database.connect();
                                    var statement = connection.createStatement()) {
                                return statement.execute("""
                                        SELECT redrive_letters(1, ARRAY(
                                            SELECT id FROM dead_letters WHERE state = 'open' ORDER BY md5(id::text) LIMIT 5),
                                            'model', 100, NULL, NULL)
                                        """);
                            }
                        },
                        false),
                _ -> {});
    }

    private void exchange() {
        var node = pick(nodes).orElseThrow();
        var reports = new LinkedHashMap<TaskInstanceId, AttemptReport>();
        for (var claim : node.shuffled(random)) {
            if (random.nextInt(3) > 0) {
                var begins = random.nextInt(3) == 0;
                reports.put(claim.id(), report(claim, begins ? Optional.empty() : Optional.of(verdict(claim))));
            }
        }
        for (var n = random.nextInt(3); n > 0; n--) {
            pick(told).ifPresent(again -> reports.putIfAbsent(again.id(), again));
            pick(claimed).ifPresent(other -> reports.putIfAbsent(other.id(), wrong(other)));
            pick(pick(nodes).orElseThrow().shuffled(random))
                    .filter(_ -> random.nextInt(3) == 0)
                    .ifPresent(
                            theirs -> reports.putIfAbsent(theirs.id(), report(theirs, Optional.of(verdict(theirs)))));
        }
        tell(node, List.copyOf(reports.values()), random.nextInt(9));
    }

    private AttemptReport report(Claim claim, Optional<Verdict> verdict) {
        var began = verdict.isEmpty() || !(verdict.get() instanceof Verdict.Cancel) || random.nextBoolean();
        return new AttemptReport(
                claim.id(),
                claim.versionId(),
                claim.attempt(),
                claim.fence(),
                1 + random.nextInt(4),
                verdict,
                began ? Optional.of(Duration.ofNanos(random.nextInt(5_000_000))) : Optional.empty());
    }

    /** A report that nothing stands behind: under the fence of some other claim, or one that was never given. */
    private AttemptReport wrong(Claim claim) {
        var foreign = pick(claimed).map(Claim::fence).orElse(0L);
        var isIts = claimed.stream().anyMatch(other -> other.id().equals(claim.id()) && other.fence() == foreign);
        return report(
                new Claim(
                        claim.id(),
                        claim.versionId(),
                        claim.attempt(),
                        claim.failures(),
                        isIts ? Long.MAX_VALUE : foreign,
                        claim.lockFence()),
                random.nextBoolean() ? Optional.empty() : Optional.of(verdict(claim)));
    }

    private Verdict verdict(Claim claim) {
        var lot = random.nextInt(20);
        if (lot < 4 && claim.failures() < MAX_FAILURES) {
            return new Verdict.Retry(Duration.ofMillis(random.nextInt(8)), "again", random.nextBoolean());
        }
        return switch (lot) {
            case 4 -> new Verdict.Snooze(Duration.ofMillis(random.nextInt(8)));
            case 5 -> new Verdict.Fail("broken");
            case 6 -> new Verdict.TimeOut("too long");
            case 7 -> new Verdict.Cancel();
            case 8, 9 -> new Verdict.Succeed(Json.EMPTY_OBJECT);
            default -> new Verdict.Succeed(Json.NULL);
        };
    }

    private void tell(Node node, List<AttemptReport> reports, int limit) {
        var foreseen = reports.stream()
                .filter(report -> width == 1 && isDue(node, report))
                .map(AttemptReport::id)
                .toList();
        submit(work.commitAndClaim(node.id, reports, QUEUES, limit), answer -> {
            if (width == 1) {
                assertThat(answer.accepted()).containsExactlyInAnyOrderElementsOf(foreseen);
            }
            reports.forEach(report -> heard(node, report, answer));
            take(node, answer, limit);
        });
    }

    /** Whether a report counts: its claim is open, or it was counted with the same words before. */
    private boolean isDue(Node node, AttemptReport report) {
        var key = new Held(report.id(), report.fence());
        if (report.outcome().isEmpty()) {
            return node.holds(report) && !Long.valueOf(report.fence()).equals(node.started.get(report.id()));
        }
        return node.holds(report) || report.outcome().get().equals(accepted.get(key));
    }

    private void heard(Node node, AttemptReport report, Exchange answer) {
        told.add(report);
        if (!answer.accepted().contains(report.id())) {
            return;
        }
        var key = new Held(report.id(), report.fence());
        if (report.outcome().isEmpty()) {
            node.started.put(report.id(), report.fence());
            return;
        }
        var before = accepted.putIfAbsent(key, report.outcome().get());
        assertThat(report.outcome().get())
                .as("the result of %s that counted first", key)
                .isEqualTo(before == null ? report.outcome().get() : before);
        nodes.forEach(any -> lose(any, key));
    }

    private static void lose(Node node, Held claim) {
        var mine = node.claims.get(claim.id());
        if (mine != null && mine.fence() == claim.fence()) {
            node.claims.remove(claim.id());
        }
    }

    private void take(Node node, Exchange answer, int limit) {
        assertThat(answer.claims()).hasSizeLessThanOrEqualTo(limit);
        claimed.addAll(answer.claims());
        if (nodes.contains(node)) {
            answer.claims().forEach(claim -> node.claims.put(claim.id(), claim));
        } else if (width == 1) {
            assertThat(answer.claims()).as("claims of a fenced node").isEmpty();
        }
    }

    // The end.

    private void drain() throws SQLException {
        settleAll();
        for (var round = 0; round < MAX_DRAIN_ROUNDS && openRuns() > 0; round++) {
            wake();
            for (var node : nodes) {
                var reports = node.claims.values().stream()
                        .map(claim -> report(claim, Optional.of(new Verdict.Succeed(Json.NULL))))
                        .toList();
                tell(node, reports, 50);
            }
            settleAll();
            if (nodes.stream().allMatch(node -> node.claims.isEmpty())) {
                awaitTimers();
            }
        }
    }

    private void awaitTimers() {
        until("retries are due", () -> {
            var woken = await(work.wakeDue(100));
            return woken.count() > 0 || woken.nextDue().isEmpty();
        });
    }

    private int openRuns() {
        return Integer.parseInt(database.value("SELECT count(*) FROM dag_runs WHERE completed_at IS NULL"));
    }

    private void claimsOfATaskFollowEachOther() {
        var byTask = new HashMap<TaskInstanceId, List<Claim>>();
        claimed.forEach(claim ->
                byTask.computeIfAbsent(claim.id(), _ -> new ArrayList<>()).add(claim));
        byTask.forEach((id, claims) -> {
            claims.sort(Comparator.comparingLong(Claim::fence));
            assertThat(claims).extracting(Claim::fence).doesNotHaveDuplicates();
            assertThat(claims).isSortedAccordingTo(Comparator.comparingInt(Claim::attempt));
            // Whoever is sent back has its failures counted anew.
            for (var n = 1; n < claims.size(); n++) {
                var failures = claims.get(n).failures();
                assertThat(failures == 0 || failures >= claims.get(n - 1).failures())
                        .as("failures of %s", claims)
                        .isTrue();
            }
            assertThat(claims.stream()
                            .filter(claim -> accepted.containsKey(new Held(id, claim.fence())))
                            .map(Claim::attempt))
                    .as("one result for each attempt of %s", id)
                    .doesNotHaveDuplicates();
        });
    }

    /** Who took a lock later got a larger number. Tasks of one run share that of their DAG. */
    private void numbersOfLocksGrow() {
        var byTask = new HashMap<String, List<Claim>>();
        for (var claim : claimed) {
            var task = tasksOfRun.get(claim.id().runId()).get(claim.id().taskNumber() - 1);
            task.lock()
                    .ifPresent(lock -> byTask.computeIfAbsent(lock.value(), _ -> new ArrayList<>())
                            .add(claim));
        }
        byTask.forEach((lock, claims) -> {
            claims.sort(Comparator.comparingLong(Claim::fence));
            assertThat(claims).allMatch(claim -> claim.lockFence().isPresent());
            assertThat(claims)
                    .extracting(claim -> claim.lockFence().orElseThrow())
                    .as("numbers of %s", lock)
                    .isSorted()
                    .doesNotHaveDuplicates();
        });
    }

    private <T> void submit(Future<T> answer, Consumer<T> then) {
        pending.add(new Pending<>(answer, then));
        while (pending.size() >= width) {
            pending.remove(random.nextInt(pending.size())).settle();
        }
    }

    private void settleAll() {
        while (!pending.isEmpty()) {
            pending.removeFirst().settle();
        }
    }

    private <T> Optional<T> pick(List<T> from) {
        return from.isEmpty() ? Optional.empty() : Optional.of(from.get(random.nextInt(from.size())));
    }
}
