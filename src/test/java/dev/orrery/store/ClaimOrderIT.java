package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TenantId;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.store.OrderModel.Wish;
import dev.orrery.store.SingleTaskRepository.Limits;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who claims takes the most urgent first, beside others who do, and nobody waits for ever. */
class ClaimOrderIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final List<String> QUEUES = List.of("default");

    private final Vertx vertx = Vertx.vertx();
    private final Random random = new Random(7);
    private TestDatabase database;
    private SingleTaskRepository tasks;
    private WorkRepository work;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        Pool pool = PgBuilder.pool()
                .with(new PoolOptions().setMaxSize(4))
                .connectingTo(Pools.hot(database.connectOptions()))
                .using(vertx)
                .build();
        tasks = new SingleTaskRepository(vertx, pool, Limits.USUAL);
        work = new WorkRepository(vertx, pool);
    }

    @AfterEach
    void close() {
        await(vertx.close());
        database.close();
    }

    /**
     * Three nodes at once, each of which passes over what the others are just taking. A task is overtaken by no more than
     * what they take in that moment.
     */
    @Test
    void threeWhoClaimTogetherKeepTheOrderButForWhatIsBeingTaken() throws SQLException {
        var count = 3_000;
        var limit = 10;
        submit(count, _ -> random.nextInt(11));
        var order = database.value("SELECT string_agg(id::text, ',' ORDER BY latest_start, id) FROM task_ready")
                .split(",");
        var places = new HashMap<UUID, Integer>();
        for (var place = 0; place < order.length; place++) {
            places.put(UUID.fromString(order[place]), place);
        }
        var nodes = List.of(node(), node(), node());

        var taken = new ArrayList<List<Claim>>();
        await(Future.all(nodes.stream().map(node -> drain(node, limit, taken)).toList()));

        // A fence is given with each claim, so their order is that of the claims.
        taken.sort(Comparator.comparingLong(claims -> claims.getFirst().fence()));
        var ids = taken.stream()
                .flatMap(List::stream)
                .map(claim -> claim.id().value())
                .toList();
        assertThat(ids).hasSize(count).doesNotHaveDuplicates();
        var largest = IntStream.range(0, count)
                .map(at -> Math.abs(at - places.getOrDefault(ids.get(at), -1)))
                .max()
                .orElseThrow();
        assertThat(largest).as("the largest inversion").isLessThanOrEqualTo(3 * limit * nodes.size());
    }

    /** More of the highest priority comes in than can be done: half a minute after half a minute, by the clock of the rows. */
    @Test
    void aTaskOfTheLowestPriorityIsTakenInTimeUnderAnEndlessFloodOfTheHighest() throws SQLException {
        var node = node();
        var low = new HashSet<>(submit(5, _ -> 0));
        var rounds = 0;

        while (!low.isEmpty()) {
            rounds++;
            assertThat(rounds).as("half minutes").isLessThanOrEqualTo(25);
            halfAMinutePasses();
            submit(20, _ -> 10);
            for (var claim : await(work.claim(node, QUEUES, 10))) {
                low.remove(claim.id().value());
            }
        }

        // Ten times the aging later whatever comes is behind it; what came before that is done first.
        assertThat(rounds).isBetween(10, 25);
        assertThat(database.value("SELECT count(*) > 100 FROM task_ready")).isEqualTo("t");
    }

    private void halfAMinutePasses() throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute("UPDATE task_ready SET ready_at = ready_at - interval '30 s',"
                    + " latest_start = latest_start - interval '30 s'");
        }
    }

    private Future<Void> drain(NodeId node, int limit, List<List<Claim>> taken) {
        return work.claim(node, QUEUES, limit).compose(claims -> {
            if (claims.isEmpty()) {
                return Future.succeededFuture();
            }
            synchronized (taken) {
                taken.add(claims);
            }
            return drain(node, limit, taken);
        });
    }

    private Set<UUID> submit(int count, IntUnaryOperator priority) {
        var base = IDS.next(System.currentTimeMillis());
        var all = IntStream.range(0, count)
                .mapToObj(n -> SingleTasks.task(
                        new Wish(priority.applyAsInt(n), Optional.empty(), Duration.ZERO, 0, Set.of())))
                .toList();
        var results = await(tasks.submit(List.of(new TaskSubmission(TenantId.DEFAULT, base, all, Optional.empty()))));
        var ids = new HashSet<UUID>();
        ((SubmissionResult.Created) results.getFirst())
                .tasks()
                .forEach(task -> ids.add(task.id().value()));
        return ids;
    }

    private NodeId node() throws SQLException {
        var node = new NodeId(IDS.next(System.currentTimeMillis()));
        try (var connection = database.connect()) {
            NodeRepository.register(connection, new Registration(node, "n", 1, "cluster", "x"));
        }
        return node;
    }
}
