package dev.orrery.store;

import static dev.orrery.store.TaskBench.RETRY;
import static dev.orrery.store.TaskBench.SUCCEED;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.Verdict;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TaskAccessRepositoryIT {

    private static final TenantId TENANT = TenantId.DEFAULT;

    private TaskBench bench;
    private TaskAccessRepository access;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(SingleTaskRepository.Limits.USUAL);
        access = new TaskAccessRepository(bench.vertx, bench.pools.api());
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void theSecretIsMadeOnceForEachDatabase() throws SQLException {
        var secret = await(access.secret());

        assertThat(secret).hasSize(32).isEqualTo(await(access.secret()));
        try (var other = new TaskBench(SingleTaskRepository.Limits.USUAL)) {
            // The databases of tests are copies of one.
            other.execute("UPDATE task_token_secret SET secret = sha256(secret)");
            assertThat(await(new TaskAccessRepository(other.vertx, other.pools.api()).secret()))
                    .hasSize(32)
                    .isNotEqualTo(secret);
        }
    }

    @Test
    void whoeverHoldsAClaimIsKnownFromItsFirstMomentToItsEnd() {
        var id = bench.submitted(task());
        assertThat(holder(id, 1)).isEmpty();
        var claim = bench.claim(id);

        assertThat(holder(id, claim.fence())).contains(Tenant.DEFAULT);
        bench.begin(claim);
        assertThat(holder(id, claim.fence())).contains(Tenant.DEFAULT);
        assertThat(holder(id, claim.fence() + 1)).isEmpty();

        bench.end(claim, SUCCEED);
        assertThat(holder(id, claim.fence())).isEmpty();
    }

    @Test
    void anAttemptThatEndedIsOverThoughOthersOfItsBatchGoOn() {
        var ids = bench.submitted(task(), task());
        var claims = bench.claim(2);
        assertThat(claims.getFirst().fence()).isEqualTo(claims.getLast().fence());

        bench.end(claims.getFirst(), RETRY);

        assertThat(holder(claims.getFirst().id(), claims.getFirst().fence())).isEmpty();
        assertThat(holder(claims.getLast().id(), claims.getLast().fence())).isPresent();
        assertThat(ids).hasSize(2);
    }

    @Test
    void whoIsToldToEndIsHeardNoMore() {
        var id = bench.submitted(task());
        var claim = bench.claim(id);
        bench.begin(claim);

        await(bench.calls.cancel(TENANT, id, Optional.empty()));

        assertThat(bench.state(id)).isEqualTo("running");
        assertThat(holder(id, claim.fence())).isEmpty();
        bench.end(claim, new Verdict.Cancel());
    }

    @Test
    void aClaimThatWasTakenBackIsWorthNothing() {
        var id = bench.submitted(task());
        var claim = bench.claim(id);
        bench.begin(claim);

        await(bench.work.handBack(bench.node, List.of(new WorkRepository.Held(id, claim.fence()))));
        var again = bench.claim(id);

        assertThat(holder(id, claim.fence())).isEmpty();
        assertThat(holder(id, again.fence())).isPresent();
    }

    @Test
    void whatRunsOnANodeThatWasGivenUpIsHeardNoMore() throws SQLException {
        var id = bench.submitted(task());
        var claim = bench.claim(id);

        bench.execute("UPDATE nodes SET fenced_at = clock_timestamp() WHERE id = '%s'".formatted(bench.node));

        assertThat(holder(id, claim.fence())).isEmpty();
    }

    @Test
    void whatIsBelowATaskIsFoundAtAnyDepth() {
        var root = bench.submitted(task());
        var ids = bench.submitted(task().under(root), task().under(1), task().under(2), task());
        var unknown = TaskInstanceId.single(UUID.fromString("019b0000-0000-7000-8000-000000000000"), 1);

        assertThat(stranger(root, ids.subList(0, 3))).isEmpty();
        assertThat(stranger(root, ids)).contains(ids.get(3));
        assertThat(stranger(root, List.of(root))).contains(root);
        assertThat(stranger(ids.get(1), List.of(ids.get(0)))).contains(ids.get(0));
        assertThat(stranger(root, List.of(unknown))).contains(unknown);
        assertThat(await(access.stranger(new TenantId(1000), root, ids.subList(0, 1))))
                .contains(ids.get(0));
    }

    private Optional<Tenant> holder(TaskInstanceId id, long fence) {
        return await(access.holder(id, fence));
    }

    private Optional<TaskInstanceId> stranger(TaskInstanceId root, List<TaskInstanceId> ids) {
        return await(access.stranger(TENANT, root, ids));
    }
}
