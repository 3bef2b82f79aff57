package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.SubmittedState;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.store.SingleTaskRepository.Limits;
import dev.orrery.store.SingleTaskRepository.Patch;
import dev.orrery.store.SingleTaskRepository.Patched;
import dev.orrery.store.SubmissionResult.Created;
import dev.orrery.store.SubmissionResult.CreatedTask;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * Does with single tasks what people and one node do, in an order drawn by lot, one step after another; an
 * {@link OrderModel} does the same, and after each step the rows are compared with it.
 */
final class OrderHistory {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final List<String> QUEUES = List.of("default", "other");
    private static final int MOST_OPEN = 40;

    private final TestDatabase database;
    private final SingleTaskRepository tasks;
    private final WorkRepository work;
    private final Connection looking;
    private final RandomGenerator random;
    private final NodeId node = new NodeId(IDS.next(System.currentTimeMillis()));
    private final OrderModel model = new OrderModel();
    private final Map<UUID, Claim> claims = new LinkedHashMap<>();

    OrderHistory(Vertx vertx, TestDatabase database, Pool pool, Connection looking, RandomGenerator random)
            throws SQLException {
        this.database = database;
        this.tasks = new SingleTaskRepository(vertx, pool, Limits.USUAL);
        this.work = new WorkRepository(vertx, pool);
        this.looking = looking;
        this.random = random;
        try (var connection = database.connect()) {
            NodeRepository.register(connection, new Registration(node, "n", 1, "cluster", "x"));
        }
    }

    void play(int steps) throws SQLException {
        for (var step = 0; step < steps; step++) {
            act();
            OrderRows.read(looking).agreeWith(model);
        }
        while (!model.open().isEmpty()) {
            wake();
            claim(20);
            for (var id : List.copyOf(claims.keySet())) {
                report(id, new Verdict.Succeed(Json.NULL));
            }
            OrderRows.read(looking).agreeWith(model);
        }
    }

    private void act() throws SQLException {
        switch (random.nextInt(13)) {
            case 0, 1, 2 -> submit();
            case 3, 4 -> patch();
            case 5 -> wake();
            case 6 -> handBack();
            case 7, 8 -> claim(random.nextInt(1, 5));
            case 9 -> ReadyGenerations.turn(database, work, random.nextInt(1, 4));
            default -> pick(List.copyOf(claims.keySet())).ifPresent(id -> report(id, verdict()));
        }
    }

    private void submit() {
        var before = List.copyOf(model.tasks());
        var asked = new ArrayList<TaskSubmission>();
        for (var n = random.nextInt(1, 3); n > 0 && model.open().size() < MOST_OPEN; n--) {
            asked.add(submission(before));
        }
        if (asked.isEmpty()) {
            return;
        }
        for (var result : await(tasks.submit(asked))) {
            assertThat(result).isInstanceOf(Created.class);
            ((Created) result).tasks().forEach(this::agree);
        }
    }

    private void agree(CreatedTask task) {
        var id = task.id().value();
        assertThat(task.isNew()).isTrue();
        assertThat(task.depth()).isEqualTo(model.depth(id));
        assertThat(task.state())
                .isEqualTo(
                        switch (model.state(id)) {
                            case BLOCKED -> SubmittedState.BLOCKED;
                            case READY -> SubmittedState.READY;
                            case CANCELLED -> SubmittedState.CANCELLED;
                            case CLAIMED, RETRYING, SUCCEEDED, FAILED ->
                                throw new IllegalStateException("a new task is not so");
                        });
        if (model.state(id).isOpen()) {
            assertThat((float) task.priority()).isEqualTo(model.calculatedPriority(id));
        }
    }

    /** The model is told at once, so it must be taken. What comes in the same call elsewhere is not there yet. */
    private TaskSubmission submission(List<UUID> before) {
        var base = IDS.next(System.currentTimeMillis());
        var known = new ArrayList<>(before);
        var all = new ArrayList<NewTask>();
        var count = random.nextInt(1, 6);
        for (var n = 1; n <= count; n++) {
            var id = TaskInstanceId.single(base, n).value();
            var wish = new OrderModel.Wish(
                    random.nextInt(11), deadline(), Duration.ofSeconds(random.nextInt(60)), 0, prerequisites(known));
            model.submit(id, wish);
            known.add(id);
            all.add(SingleTasks.task(wish, QUEUES.get(random.nextInt(QUEUES.size()))));
        }
        return new TaskSubmission(TenantId.DEFAULT, base, all, Optional.empty());
    }

    /** Some of the latest that have not ended, and now and then any. */
    private Set<UUID> prerequisites(List<UUID> known) {
        var fit = known.stream()
                .filter(id -> model.depth(id) < Limits.USUAL.depth())
                .toList();
        var open = fit.stream().filter(id -> model.state(id).isOpen()).toList();
        var chosen = new LinkedHashSet<UUID>();
        for (var n = random.nextInt(4); n > 0; n--) {
            pick(random.nextInt(6) == 0 ? fit : open.subList(open.size() * random.nextInt(2) / 2, open.size()))
                    .ifPresent(chosen::add);
        }
        return chosen;
    }

    /** Mostly so near that it counts for more than a priority. */
    private Optional<Instant> deadline() {
        return random.nextInt(3) > 0
                ? Optional.empty()
                : Optional.of(Instant.now()
                        .truncatedTo(ChronoUnit.MILLIS)
                        .plus(random.nextLong(-60_000_000, 400_000_000), ChronoUnit.MICROS));
    }

    private void patch() {
        var chosen = pick(random.nextInt(5) == 0 ? List.copyOf(model.tasks()) : model.open());
        if (chosen.isEmpty()) {
            return;
        }
        var id = chosen.get();
        var priority = random.nextInt(11);
        var deadline = deadline();

        var verdict = await(tasks.patch(
                TenantId.DEFAULT, new TaskInstanceId(id), new Patch(OptionalInt.of(priority), true, deadline)));

        assertThat(verdict).isEqualTo(model.state(id).isOpen() ? Patched.PATCHED : Patched.ENDED);
        if (model.state(id).isOpen()) {
            model.patch(id, priority, deadline);
        }
    }

    private void wake() {
        if (!model.in(OrderModel.State.RETRYING).isEmpty()) {
            until("retries are due", () -> {
                await(work.wakeDue(100));
                return database.value("SELECT count(*) FROM task_timers").equals("0");
            });
            model.in(OrderModel.State.RETRYING).forEach(model::makeReady);
        }
    }

    /** Exactly the most urgent, in their order. */
    private void claim(int limit) throws SQLException {
        var due = model.order(OrderRows.read(looking).readyAt());

        var taken = await(work.claim(node, QUEUES, limit));

        assertThat(taken.stream().map(claim -> claim.id().value()))
                .containsExactlyElementsOf(due.subList(0, Math.min(limit, due.size())));
        for (var claim : taken) {
            claims.put(claim.id().value(), claim);
            model.claim(claim.id().value());
        }
    }

    private void handBack() {
        pick(List.copyOf(claims.keySet())).ifPresent(id -> {
            var claim = Objects.requireNonNull(claims.remove(id));
            await(work.handBack(node, List.of(new Held(claim.id(), claim.fence()))));
            model.makeReady(id);
        });
    }

    private Verdict verdict() {
        return switch (random.nextInt(8)) {
            case 0 -> new Verdict.Fail("broken");
            case 1, 2 -> new Verdict.Retry(Duration.ofMillis(random.nextInt(3)), "again", false);
            default -> new Verdict.Succeed(Json.NULL);
        };
    }

    private void report(UUID id, Verdict verdict) {
        var claim = Objects.requireNonNull(claims.remove(id));
        var report = new AttemptReport(
                claim.id(),
                claim.versionId(),
                claim.attempt(),
                claim.fence(),
                1,
                Optional.of(verdict),
                Optional.of(Duration.ofMillis(1)));

        assertThat(await(work.commit(node, List.of(report))).accepted()).containsExactly(claim.id());

        switch (verdict) {
            case Verdict.Succeed _ -> model.succeed(id);
            case Verdict.Retry _ -> model.retryLater(id);
            default -> model.fail(id);
        }
    }

    private <T> Optional<T> pick(List<T> from) {
        return from.isEmpty() ? Optional.empty() : Optional.of(from.get(random.nextInt(from.size())));
    }
}
