package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.LockName;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.task.Limit;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.WorkRepository.Exchange;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Seeded;
import io.vertx.core.Future;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** Eight nodes claim at once, end, hand back, are lost and cancel: no limit is exceeded at any look, and all gets done. */
class LimitsModelIT extends LimitsBase {

    private static final int NODES = 8;
    private static final List<String> QUEUES = List.of("default", "narrow");

    @Test
    void limitsHoldAndNobodyWaitsInVainWhateverHappens() throws SQLException {
        try (var looking = database.connect()) {
            Seeded.forAll(6, random -> {
                try {
                    playOne(random, looking);
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
        assertThat(database.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
                .isEqualTo("0");
    }

    private void playOne(RandomGenerator random, Connection looking) throws SQLException {
        execute("TRUNCATE dags, dag_versions, dag_tasks, dag_edges, dag_runs, task_instances, task_wait, task_ready,"
                + " claim_batches, task_timers, task_attempts, task_outputs, dead_letters, task_events, cancel_requests,"
                + " nodes, locks, lock_waits, limits, limit_holders CASCADE");
        await(queues.set("narrow", random.nextInt(1, 4), Limit.ofRunning(random.nextInt(1, 5))));
        var runs = new ArrayList<RunId>();
        var dags = new ArrayList<DagId>();
        for (var n = 0; n < 4; n++) {
            dags.add(publishLimited(String.valueOf(random.nextInt(1, 4)), "null, null", tasks(random)));
        }
        for (var n = 0; n < 12; n++) {
            runs.add(create(dags.get(random.nextInt(dags.size()))));
        }
        var nodes = new HashMap<NodeId, List<Claim>>();
        for (var n = 0; n < NODES; n++) {
            nodes.put(aNode(), new ArrayList<>());
        }
        for (var step = 0; step < 60; step++) {
            var calls = new ArrayList<Future<?>>();
            for (var entry : List.copyOf(nodes.entrySet())) {
                calls.add(act(random, entry.getKey(), entry.getValue(), runs));
            }
            if (random.nextInt(10) == 0) {
                calls.add(queues.pause("narrow", random.nextBoolean(), Optional.empty()));
            }
            calls.add(work.wakeDue(50));
            // One snapshot sees whole transactions only, whatever is under way.
            assertThat(LimitInvariants.moreThanMay(looking)).isEmpty();
            calls.forEach(call -> await(call));
            assertThat(LimitInvariants.violations(looking)).isEmpty();
            if (random.nextInt(12) == 0) {
                lose(nodes, nodes.keySet().iterator().next());
            }
        }
        await(queues.pause("narrow", false, Optional.empty()));
        drain(nodes);
        assertThat(count("dag_runs WHERE completed_at IS NULL")).isZero();
        assertThat(count("limit_holders")).isZero();
        assertThat(count("lock_waits")).isZero();
    }

    private static TaskDefinition[] tasks(RandomGenerator random) {
        var tasks = new ArrayList<TaskDefinition>();
        for (var n = random.nextInt(1, 12); n > 0; n--) {
            var task = Graphs.task("t" + n, Set.of(), random.nextInt(11));
            if (random.nextInt(4) == 0) {
                task = task.locking(new LockName("lock" + random.nextInt(2)));
            }
            tasks.add(in(random.nextInt(3) == 0 ? "narrow" : "default", task));
        }
        return tasks.toArray(TaskDefinition[]::new);
    }

    private Future<?> act(RandomGenerator random, NodeId node, List<Claim> held, List<RunId> runs) {
        return switch (random.nextInt(8)) {
            case 0 -> {
                var back = take(random, held);
                yield work.handBack(
                        node,
                        back.stream()
                                .map(claim -> new Held(claim.id(), claim.fence()))
                                .toList());
            }
            case 1 ->
                random.nextInt(12) == 0
                        ? work.cancel(TenantId.DEFAULT, runs.get(random.nextInt(runs.size())), Optional.empty())
                        : Future.succeededFuture();
            default -> {
                var reports = take(random, held).stream()
                        .map(claim -> ended(claim, verdict(random)))
                        .toList();
                yield work.commitAndClaim(node, reports, QUEUES, random.nextInt(1, 6))
                        .onSuccess(exchange -> held.addAll(exchange.claims()));
            }
        };
    }

    private static List<Claim> take(RandomGenerator random, List<Claim> held) {
        var taken = new ArrayList<Claim>();
        held.removeIf(claim -> random.nextInt(3) == 0 && taken.add(claim));
        return taken;
    }

    private static Verdict verdict(RandomGenerator random) {
        return switch (random.nextInt(6)) {
            case 0 -> new Verdict.Retry(Duration.ofMillis(1), "again", false);
            case 1 -> new Verdict.Fail("no");
            default -> SUCCEED;
        };
    }

    private void lose(Map<NodeId, List<Claim>> nodes, NodeId lost) throws SQLException {
        nodes.remove(lost);
        execute("UPDATE nodes SET fenced_at = now() WHERE id = '%s'".formatted(lost));
        execute("SELECT give_back('%s', ARRAY(SELECT fence FROM claim_batches WHERE node_id = '%s'), NULL, 'lost')"
                .formatted(lost, lost));
        nodes.put(aNode(), new ArrayList<>());
    }

    private void drain(Map<NodeId, List<Claim>> nodes) throws SQLException {
        var idle = 0;
        for (var round = 0; round < 500 && idle < 3; round++) {
            await(work.wakeDue(500));
            var claimed = 0;
            for (var entry : nodes.entrySet()) {
                var reports = entry.getValue().stream()
                        .map(claim -> ended(claim, SUCCEED))
                        .toList();
                entry.getValue().clear();
                Exchange exchange = await(work.commitAndClaim(entry.getKey(), reports, QUEUES, 5));
                entry.getValue().addAll(exchange.claims());
                claimed += exchange.claims().size() + reports.size();
            }
            idle = claimed == 0 && count("task_timers") == 0 ? idle + 1 : 0;
        }
    }
}
