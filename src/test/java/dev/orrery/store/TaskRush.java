package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.store.SingleTaskRepository.Limits;
import dev.orrery.store.SingleTaskRepository.Patch;
import dev.orrery.store.SubmissionResult.Created;
import dev.orrery.store.SubmissionResult.Refused;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Many do things with the same few tasks at once: submit what waits for them, end them, change how urgent they are. When all
 * of a wave is done, what is counted and handed down must be what follows from the edges and the fates that are there.
 */
final class TaskRush {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final List<String> QUEUES = List.of("default");
    private static final int RECENT = 30;

    private final TestDatabase database;
    private final SingleTaskRepository tasks;
    private final WorkRepository work;
    private final Connection looking;
    private final RandomGenerator random;
    private final List<NodeId> nodes = new ArrayList<>();
    private final List<UUID> known = new ArrayList<>();
    private final Map<Claim, NodeId> claims = new LinkedHashMap<>();
    private final List<Pending<?>> pending = new ArrayList<>();

    private record Pending<T>(Future<T> answer, Consumer<T> then) {

        void settle() {
            then.accept(await(answer));
        }
    }

    TaskRush(Vertx vertx, TestDatabase database, Pool pool, Connection looking, RandomGenerator random)
            throws SQLException {
        this.database = database;
        this.tasks = new SingleTaskRepository(vertx, pool, Limits.USUAL);
        this.work = new WorkRepository(vertx, pool);
        this.looking = looking;
        this.random = random;
        try (var connection = database.connect()) {
            for (var n = 0; n < 3; n++) {
                var node = new NodeId(IDS.next(System.currentTimeMillis()));
                NodeRepository.register(connection, new Registration(node, "n" + n, 1, "cluster", "x"));
                nodes.add(node);
            }
        }
    }

    /** As many waves as this, each of so many calls at once. */
    void play(int waves, int width) throws SQLException {
        for (var wave = 0; wave < waves; wave++) {
            for (var call = 0; call < width; call++) {
                act();
            }
            for (var one : List.copyOf(pending)) {
                one.settle();
            }
            pending.clear();
            var rows = OrderRows.read(looking);
            rows.agreeWith(rows.model());
        }
    }

    private void act() throws SQLException {
        switch (random.nextInt(11)) {
            case 0, 1, 2 -> submit();
            case 3, 4 -> patch();
            case 5 -> begin(work.wakeDue(100), _ -> {});
            case 6 -> handBack();
            case 7 -> claim();
            case 8 -> turn();
            default -> report();
        }
    }

    private <T> void begin(Future<T> answer, Consumer<T> then) {
        pending.add(new Pending<>(answer, then));
    }

    private void submit() {
        var base = IDS.next(System.currentTimeMillis());
        var inside = new ArrayList<UUID>();
        var all = new ArrayList<NewTask>();
        var count = random.nextInt(1, 4);
        for (var n = 1; n <= count; n++) {
            var prerequisites = new LinkedHashSet<UUID>();
            for (var m = random.nextInt(4); m > 0; m--) {
                pick(recent()).ifPresent(prerequisites::add);
                pick(inside).filter(_ -> random.nextInt(3) == 0).ifPresent(prerequisites::add);
            }
            inside.add(TaskInstanceId.single(base, n).value());
            all.add(SingleTasks.task(new OrderModel.Wish(
                    random.nextInt(11), deadline(), Duration.ofSeconds(random.nextInt(60)), 0, prerequisites)));
        }
        begin(tasks.submit(List.of(new TaskSubmission(TenantId.DEFAULT, base, all, Optional.empty()))), results -> {
            switch (results.getFirst()) {
                case Created _ -> known.addAll(inside);
                case Refused refused -> assertThat(refused.code()).isEqualTo(ErrorCode.DEPENDENCY_TOO_DEEP);
                case SubmissionResult other -> throw new AssertionError(other.toString());
            }
        });
    }

    private void patch() {
        pick(recent())
                .ifPresent(id -> begin(
                        tasks.patch(
                                TenantId.DEFAULT,
                                new TaskInstanceId(id),
                                new Patch(OptionalInt.of(random.nextInt(11)), random.nextBoolean(), deadline())),
                        _ -> {}));
    }

    private void claim() {
        var node = pick(nodes).orElseThrow();
        begin(work.claim(node, QUEUES, random.nextInt(1, 6)), taken -> taken.forEach(claim -> claims.put(claim, node)));
    }

    private void turn() throws SQLException {
        ReadyGenerations.announce(database);
        begin(work.turnGenerations(QUEUES), _ -> {});
    }

    private void handBack() {
        pick(List.copyOf(claims.keySet())).ifPresent(claim -> {
            var node = claims.remove(claim);
            begin(work.handBack(node, List.of(new Held(claim.id(), claim.fence()))), _ -> {});
        });
    }

    /** Several of one node in one commit. */
    private void report() {
        var node = pick(nodes).orElseThrow();
        var reports = new ArrayList<AttemptReport>();
        for (var claim : List.copyOf(claims.keySet())) {
            if (node.equals(claims.get(claim)) && random.nextBoolean()) {
                claims.remove(claim);
                reports.add(new AttemptReport(
                        claim.id(),
                        claim.versionId(),
                        claim.attempt(),
                        claim.fence(),
                        1,
                        Optional.of(verdict()),
                        Optional.of(Duration.ofMillis(1))));
            }
        }
        if (!reports.isEmpty()) {
            begin(
                    work.commit(node, reports),
                    exchange -> assertThat(exchange.accepted()).hasSameSizeAs(reports));
        }
    }

    private Verdict verdict() {
        return switch (random.nextInt(6)) {
            case 0 -> new Verdict.Fail("broken");
            case 1 -> new Verdict.Retry(Duration.ZERO, "again", false);
            default -> new Verdict.Succeed(Json.NULL);
        };
    }

    private List<UUID> recent() {
        return known.subList(Math.max(0, known.size() - RECENT), known.size());
    }

    private Optional<Instant> deadline() {
        return random.nextBoolean()
                ? Optional.empty()
                : Optional.of(Instant.ofEpochSecond(Instant.now().getEpochSecond() + random.nextInt(-60, 400)));
    }

    private <T> Optional<T> pick(List<T> from) {
        return from.isEmpty() ? Optional.empty() : Optional.of(from.get(random.nextInt(from.size())));
    }
}
