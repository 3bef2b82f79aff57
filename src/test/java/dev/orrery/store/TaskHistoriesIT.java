package dev.orrery.store;

import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.UniqueKey.OnConflict;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.TaskBench.Draft;
import io.vertx.core.Future;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
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

    private final List<TaskInstanceId> known = Collections.synchronizedList(new ArrayList<>());

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
            assertThat(TaskInvariants.violations(bench.database)).isEmpty();
            drain(bench, new Random(seed));
            assertThat(TaskInvariants.violations(bench.database)).isEmpty();
            assertThat(bench.text("SELECT count(*)::text FROM task_states WHERE state < 'succeeded'"))
                    .isEqualTo("0");
            assertThat(bench.text("SELECT (SELECT count(*) FROM task_wait) + (SELECT count(*) FROM task_parents)"
                            + " + (SELECT count(*) FROM unique_keys) + (SELECT count(*) FROM claim_batches)"))
                    .isEqualTo("0");
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
        return switch (random.nextInt(20)) {
            case 0, 1, 2, 3, 4 -> submit(bench, random, id, other);
            case 5, 6, 7, 8, 9, 10 -> work(bench, random);
            case 11 -> bench.calls.cancel(TENANT, id, Optional.empty());
            case 12, 13 -> bench.calls.retry(TENANT, id, Optional.empty());
            case 14, 15 ->
                bench.calls.insertTaskDependency(TENANT, id, other, DependencyType.PARALLEL, Optional.empty());
            case 16 -> bench.calls.snoozeFor(TENANT, id, Duration.ofMillis(random.nextInt(5)), Optional.empty());
            case 17 -> bench.calls.continueCascades();
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
        if (random.nextInt(6) == 0) {
            draft.notBefore(Instant.now().plusMillis(random.nextInt(10)));
        }
        return draft;
    }

    private static Future<?> work(TaskBench bench, Random random) {
        return bench.work
                .claim(bench.node, TaskBench.QUEUES, 1 + random.nextInt(4))
                .compose(claims -> {
                    if (random.nextInt(6) == 0) {
                        var held = claims.stream()
                                .map(claim -> new WorkRepository.Held(claim.id(), claim.fence()))
                                .toList();
                        return toldAgain(() -> bench.work.handBack(bench.node, held), AGAIN);
                    }
                    var reports = claims.stream()
                            .map(claim -> TaskBench.report(claim, Optional.of(verdict(random))))
                            .toList();
                    return toldAgain(() -> bench.work.commit(bench.node, reports), AGAIN);
                });
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
