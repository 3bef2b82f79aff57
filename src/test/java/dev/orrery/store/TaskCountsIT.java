package dev.orrery.store;

import static dev.orrery.store.TaskBench.FAIL;
import static dev.orrery.store.TaskBench.SUCCEED;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TenantId;
import dev.orrery.store.TaskCountsRepository.Throughput;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TaskCountsIT {

    private TaskBench bench;
    private TaskCountsRepository counts;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(SingleTaskRepository.Limits.USUAL);
        counts = new TaskCountsRepository(bench.vertx, bench.pools.api());
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void aTenantIsToldWhenTasksOfOthersKeptItsOwnFromBeingCounted() throws SQLException {
        var tenant = new TenantId(7);
        assertThat(await(counts.stats(tenant)).isComplete()).isTrue();

        bench.execute("INSERT INTO task_wait (id, version_id, unmet, queue, priority)"
                + " SELECT single_id('" + TaskBench.nextId() + "', n), 0, 1, 'default', 5"
                + " FROM generate_series(1, 100000) n");

        var stats = await(counts.stats(tenant));
        assertThat(stats.depths()).isEmpty();
        assertThat(stats.isComplete()).isFalse();
    }

    @Test
    void whatEndedIsToldAsALowerBoundWhereNotAllTasksWereLookedAt() throws SQLException {
        var early = bench.submitted(task(), task());
        bench.end(early.getFirst(), SUCCEED);
        var all = await(counts.stats(TenantId.DEFAULT)).throughput();
        assertThat(all).extracting(Throughput::submitted).containsExactly(2, 2, 2);
        assertThat(all).extracting(Throughput::completed).containsExactly(1, 1, 1);
        assertThat(all).extracting(Throughput::isComplete).containsOnly(true);

        bench.execute("INSERT INTO task_instances"
                + " (id, tenant_id, version_id, queue, priority, created_at, name, definition, source, depth)"
                + " SELECT single_id('" + TaskBench.nextId() + "', n), 1, 0, 'default', 5, now(), 't', '{}', 'human', 0"
                + " FROM generate_series(1, 100000) n");
        bench.end(early.getLast(), FAIL);

        var newest = await(counts.stats(TenantId.DEFAULT)).throughput();
        assertThat(newest).extracting(Throughput::submitted).containsOnly(100_000);
        assertThat(newest).extracting(Throughput::failed).containsOnly(0);
        assertThat(newest).extracting(Throughput::isComplete).containsOnly(false);
    }
}
