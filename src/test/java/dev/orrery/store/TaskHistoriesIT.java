package dev.orrery.store;

import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.Limit;
import dev.orrery.domain.task.UniqueKey.OnConflict;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.TaskBench.Draft;
import io.vertx.core.Future;
import io.vertx.sqlclient.Tuple;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is called at the same time, in whatever order: in the end all is counted right, and all comes to an end. */
class TaskHistoriesIT {

    private static final int AGAIN = 10;
    private static final TenantId TENANT = TenantId.DEFAULT;
    private static final int ACTORS = 6;
    private static final int STEPS = 60;
    private static final Set<ErrorCode> EXPECTED = Set.of(
            ErrorCode.CONFLICT,
            ErrorCode.UNIQUE_KEY_TAKEN,
            ErrorCode.DEPENDENCY_CYCLE,
            ErrorCode.DEPENDENCY_DUPLICATE,
            ErrorCode.DEPENDENCY_TOO_DEEP,
            ErrorCode.TOO_MANY_DEPENDENCIES);

    private static final String GIVE_UP = "SELECT give_back($1, $2, NULL, 'lost')";
    private static final String REDRIVE = """
            SELECT (redrive_letters(1, ARRAY(SELECT id FROM dead_letters WHERE state = 'open' ORDER BY random() LIMIT $1),
                                    'somebody', 3, NULL, NULL)).*
            """;

    private final List<TaskInstanceId> known = Collections.synchronizedList(new ArrayList<>());
    private final List<Claim> held = Collections.synchronizedList(new ArrayList<>());

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void allComesToAnEnd(long seed) throws SQLException {
        try (var bench = new TaskBench(new SingleTaskRepository.Limits(6, 6))) {
            bench.room(5);
            known.addAll(bench.submitted(task(), task().waitingForChildren(), task().after(1)));
            var actors = IntStream.range(0, ACTORS)
                    .mapToObj(n -> act(bench, new Random(seed * 100 + n), STEPS))
                    .toList();
            actors.forEach(actor -> await(actor));

            bench.continueCascades();
            assertCountsAreRight(bench);
            var reports = held.stream()
                    .map(claim -> TaskBench.report(claim, Optional.of(TaskBench.SUCCEED)))
                    .toList();
            await(toldAgain(() -> bench.work.commit(bench.node, reports), AGAIN));
            assertCountsAreRight(bench);
            drain(bench, new Random(seed));
            assertCountsAreRight(bench);
            assertThat(bench.text("SELECT count(*)::text FROM task_states WHERE state < 'succeeded'"))
                    .isEqualTo("0");
            assertThat(bench.text("SELECT (SELECT count(*) FROM task_wait) + (SELECT count(*) FROM task_parents)"
                            + " + (SELECT count(*) FROM unique_keys) + (SELECT count(*) FROM claim_batches)"
                            + " + (SELECT count(*) FROM lock_waits) + (SELECT count(*) FROM limit_holders)"
                            + " + (SELECT count(*) FROM task_ready) + (SELECT count(*) FROM cancel_requests)"))
                    .isEqualTo("0");
        }
    }

    /** Limits that were lowered may still have more claims than they allow. */
    private static void assertCountsAreRight(TaskBench bench) throws SQLException {
        assertThat(TaskInvariants.violations(bench.database)).isEmpty();
        try (var connection = bench.database.connect()) {
            assertThat(LimitInvariants.violations(connection))
                    .allMatch(violation -> violation.startsWith("more than may"));
        }
    }

    private Future<Void> act(TaskBench bench, Random random, int steps) {
        if (steps == 0) {
            return Future.succeededFuture();
        }
        return step(bench, random)
                .recover(error -> error instanceof OrreryException known && EXPECTED.contains(known.code())
                        ? Future.succeededFuture()
                        : Future.failedFuture(error))
                .compose(_ -> act(bench, random, steps - 1));
    }

    private Future<?> step(TaskBench bench, Random random) {
        var id = known.get(random.nextInt(known.size()));
        var other = known.get(random.nextInt(known.size()));
        return switch (random.nextInt(28)) {
            case 0, 1, 2, 3, 4 -> submit(bench, random, id, other);
            case 5, 6, 7 ->
                bench.work
                        .claim(bench.node, TaskBench.QUEUES, 1 + random.nextInt(4))
                        .onSuccess(held::addAll);
            case 8, 9, 10, 11 -> work(bench, random);
            case 12 -> bench.calls.cancel(TENANT, id, Optional.empty());
            case 13, 14 -> bench.calls.retry(TENANT, id, Optional.empty());
            case 15, 16 ->
                bench.calls.insertTaskDependency(TENANT, id, other, DependencyType.PARALLEL, Optional.empty());
            case 17 -> bench.calls.snoozeFor(TENANT, id, Duration.ofMillis(random.nextInt(5)), Optional.empty());
            case 18 -> bench.calls.continueCascades();
            case 19 -> patch(bench, random, id);
            case 20, 21 -> redrive(bench, random);
            case 22 -> lose(bench, random);
            case 23 -> limit(bench, random);
            default -> toldAgain(() -> bench.work.wakeDue(100), AGAIN);
        };
    }

    private Future<?> submit(TaskBench bench, Random random, TaskInstanceId id, TaskInstanceId other) {
        var submissions = IntStream.rangeClosed(1, 1 + random.nextInt(3))
                .mapToObj(_ -> submission(random, id, other))
                .toList();
        return bench.tasks
                .submit(submissions)
                .onSuccess(results -> results.forEach(result -> {
                    if (result instanceof SubmissionResult.Created created) {
                        created.tasks().forEach(made -> known.add(made.id()));
                    }
                }));
    }

    private static TaskSubmission submission(Random random, TaskInstanceId id, TaskInstanceId other) {
        return TaskBench.submission(IntStream.rangeClosed(1, 1 + random.nextInt(4))
                .mapToObj(n -> draft(random, n, id, other))
                .toArray(Draft[]::new));
    }

    private static Draft draft(Random random, int number, TaskInstanceId id, TaskInstanceId other) {
        var draft = task();
        if (random.nextInt(3) == 0) {
            draft.after(id);
        }
        if (number > 1 && random.nextInt(2) == 0) {
            draft.after(random.nextInt(1, number));
        }
        if (number > 1 && random.nextInt(4) == 0) {
            draft.under(random.nextInt(1, number));
        } else if (random.nextInt(3) == 0) {
            draft.under(other);
        }
        if (random.nextInt(3) == 0) {
            draft.waitingForChildren();
        }
        if (random.nextInt(4) == 0) {
            draft.unique(
                    "key " + random.nextInt(4), List.of(OnConflict.values()).get(random.nextInt(3)));
        }
        if (random.nextInt(4) == 0) {
            draft.concurrencyKey("limited " + random.nextInt(2));
        }
        if (random.nextInt(6) == 0) {
            draft.notBefore(Instant.now().plusMillis(random.nextInt(10)));
        }
        return draft;
    }

    /** Some of the claims, which are told of or handed back: the others wait for that until later. */
    private Future<?> work(TaskBench bench, Random random) {
        var claims = some(random);
        if (random.nextInt(6) == 0) {
            var back = claims.stream()
                    .map(claim -> new WorkRepository.Held(claim.id(), claim.fence()))
                    .toList();
            return toldAgain(() -> bench.work.handBack(bench.node, back), AGAIN);
        }
        var reports = new ArrayList<AttemptReport>();
        for (var claim : claims) {
            var begins = random.nextInt(5) == 0;
            reports.add(TaskBench.report(claim, begins ? Optional.empty() : Optional.of(verdict(random))));
            if (begins) {
                held.add(claim);
            }
        }
        return toldAgain(() -> bench.work.commit(bench.node, reports), AGAIN);
    }

    private List<Claim> some(Random random) {
        synchronized (held) {
            Collections.shuffle(held, random);
            var some = List.copyOf(held.subList(0, Math.min(held.size(), 1 + random.nextInt(4))));
            held.removeAll(some);
            return some;
        }
    }

    /** Their node is given up, and reports under fences that count no more. */
    private Future<?> lose(TaskBench bench, Random random) {
        var lost = some(random);
        var fences = lost.stream().map(Claim::fence).distinct().toList();
        held.removeIf(claim -> fences.contains(claim.fence()));
        var reports = lost.stream()
                .map(claim -> TaskBench.report(claim, Optional.of(TaskBench.SUCCEED)))
                .toList();
        return run(bench, GIVE_UP, bench.node.value(), fences.toArray(Long[]::new))
                .compose(_ -> toldAgain(() -> bench.work.commit(bench.node, reports), AGAIN));
    }

    private static Future<?> redrive(TaskBench bench, Random random) {
        return run(bench, REDRIVE, 1 + random.nextInt(3));
    }

    private static Future<?> patch(TaskBench bench, Random random, TaskInstanceId id) {
        var deadline = random.nextBoolean()
                ? Optional.of(Instant.now().plusSeconds(random.nextInt(100)))
                : Optional.<Instant>empty();
        var patch = new SingleTaskRepository.Patch(OptionalInt.of(random.nextInt(10)), random.nextBoolean(), deadline);
        return bench.tasks.patch(TENANT, id, patch);
    }

    private static Future<?> limit(TaskBench bench, Random random) {
        var queues = new QueueRepository(bench.vertx, bench.pools.api());
        var key = "limited " + random.nextInt(2);
        return switch (random.nextInt(5)) {
            case 0, 1 -> queues.setLimit(TENANT, key, Limit.ofRunning(1 + random.nextInt(2)));
            case 2 -> queues.deleteLimit(TENANT, key);
            case 3 -> queues.set("default", 1, Limit.ofRunning(1 + random.nextInt(9)));
            default -> queues.reset("default");
        };
    }

    private static Future<?> run(TaskBench bench, String statement, Object... parameters) {
        return toldAgain(() -> bench.pools.hot().preparedQuery(statement).execute(Tuple.from(parameters)), AGAIN);
    }

    /** As a router does where others are in the way for longer than one call tries. */
    private static Future<Object> toldAgain(Supplier<Future<?>> call, int times) {
        return call.get()
                .<Object>map(answer -> answer)
                .recover(error -> times == 0 || StoreFailures.isLasting(error)
                        ? Future.failedFuture(error)
                        : toldAgain(call, times - 1));
    }

    private static Verdict verdict(Random random) {
        return switch (random.nextInt(10)) {
            case 0, 1 -> TaskBench.FAIL;
            case 3 -> new Verdict.Snooze(Duration.ofMillis(random.nextInt(3)));
            case 4 -> new Verdict.Cancel();
            case 2 -> new Verdict.Retry(Duration.ZERO, "again", false);
            default -> TaskBench.SUCCEED;
        };
    }

    /** All that can be done is done, until nothing is left. */
    private static void drain(TaskBench bench, Random random) {
        for (var round = 0; round < 1_000; round++) {
            await(bench.work.wakeDue(1_000));
            var claims = bench.claim(3);
            claims.forEach(claim -> bench.end(claim, random.nextInt(8) == 0 ? TaskBench.FAIL : TaskBench.SUCCEED));
            var went = bench.continueCascades();
            if (claims.isEmpty()
                    && went == 0
                    && bench.text("SELECT count(*)::text FROM task_timers").equals("0")) {
                return;
            }
        }
        throw new AssertionError("no end");
    }
}
