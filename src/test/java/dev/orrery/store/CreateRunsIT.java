package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.store.NewRun.Result;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Runs are created once for each key, by their own tenant, of a DAG that is there. */
class CreateRunsIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private WorkRepository work;
    private DagId dag;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        work = new WorkRepository(vertx, pools.hot());
        dag = Graphs.publish(database, Graphs.tasks("a", "b <- a"));
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void theSameRequestUnderAKeyMakesOneRun() {
        var first = create(keyed("k", "hash"));
        var again = create(keyed("k", "hash"));
        var other = create(keyed("k", "another hash"));

        var made = (Result.Created) first;
        assertThat(again).isEqualTo(new Result.Repeated(made.id()));
        assertThat(other).isEqualTo(new Result.KeyTaken());
        assertThat(runs()).isEqualTo("1");
    }

    @Test
    void noTransactionCreatesMoreTasksThanItsBound() throws SQLException {
        var large = Graphs.publish(
                database,
                Graphs.tasks(IntStream.range(0, 8_000).mapToObj(n -> "t" + n).toArray(String[]::new)));
        var asked = IntStream.range(0, 50)
                .mapToObj(n -> n % 10 == 3
                        ? run(large, TenantId.DEFAULT, Optional.empty())
                        : run(dag, TenantId.DEFAULT, Optional.empty()))
                .toList();
        var batcher = new Batcher<NewRun, Result>(
                "runs", new Batcher.Limits(50, 1_000, 1, 100, 1_000), _ -> 1, work::createRuns, _ -> false);

        var answers =
                await(Future.all(asked.stream().map(batcher::add).toList())).<Result>list();

        assertThat(answers)
                .map(answer -> ((Result.Created) answer).id())
                .isEqualTo(asked.stream().map(NewRun::id).toList());
        assertThat(database.value("SELECT count(*) FROM task_instances")).isEqualTo("40090");
        // The first one came alone; then two large ones fit together, three times, with what is small between them.
        assertThat(database.value(
                        "SELECT string_agg(n::text, ' ' ORDER BY first) FROM (SELECT count(*) n, min(id::text) first FROM"
                                + " task_instances GROUP BY xmin::text) x"))
                .isEqualTo("2 16040 16036 8012");
    }

    @Test
    void aRunBeyondTheBoundIsCreatedAlone() {
        var answers = await(work.createRuns(
                List.of(run(dag, TenantId.DEFAULT, Optional.empty()), run(dag, TenantId.DEFAULT, Optional.empty())),
                1));

        assertThat(answers).hasSize(1);
        assertThat(runs()).isEqualTo("1");
        assertThat(database.value("SELECT count(*) FROM task_instances")).isEqualTo("2");
    }

    @Test
    void aKeyThatHasToWaitIsNotTaken() {
        var answers = await(work.createRuns(List.of(keyed("k", "hash"), keyed("l", "hash")), 2));

        assertThat(answers).hasSize(1);
        assertThat(database.value("SELECT string_agg(key, ' ') FROM idempotency_keys"))
                .isEqualTo("k");
    }

    @Test
    void theParamsOfARunOfOneTaskComeWithItsClaim() throws SQLException {
        var node = new NodeId(IDS.next(System.currentTimeMillis()));
        database.value("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('" + node
                + "', 'n', 1, 'standalone', 'x') RETURNING id");
        var alone = Graphs.publish(database, Graphs.tasks("only"));
        create(run(dag, TenantId.DEFAULT, Optional.empty()));
        create(given(alone, new Json("{\"n\":1}")));
        create(given(
                alone,
                new Json("\""
                        + java.util.stream.Stream.generate(
                                        () -> UUID.randomUUID().toString())
                                .limit(300)
                                .collect(java.util.stream.Collectors.joining())
                        + "\"")));
        create(run(alone, TenantId.DEFAULT, Optional.empty()));

        var claims = await(work.commitAndClaim(node, List.of(), List.of("default"), 10))
                .claims();

        assertThat(claims)
                .extracting(claim -> claim.input().map(Json::text).orElse("to be read"))
                .containsExactly("to be read", "{\"n\":1}", "to be read", "{}");
    }

    private static NewRun given(DagId dag, Json params) {
        var plain = run(dag, TenantId.DEFAULT, Optional.empty());
        return new NewRun(
                plain.id(),
                plain.tenant(),
                dag,
                plain.trigger(),
                Optional.of(params),
                Optional.empty(),
                Optional.empty());
    }

    @Test
    void theTraceThatARunIsGivenComesWithItsClaims() throws SQLException {
        var node = new NodeId(IDS.next(System.currentTimeMillis()));
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute("INSERT INTO nodes (id, name, pid, mode, version) VALUES ('" + node
                    + "', 'n', 1, 'standalone', 'x')");
        }
        var trace = TraceContext.parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        var plain = run(dag, TenantId.DEFAULT, Optional.empty());
        create(plain);
        var without = await(work.commitAndClaim(node, List.of(), List.of("default"), 10));
        var traced = new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                TenantId.DEFAULT,
                dag,
                Trigger.API,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                trace);
        await(work.createRuns(List.of(run(dag, TenantId.DEFAULT, Optional.empty()), traced)));

        var claims = await(work.commitAndClaim(node, List.of(), List.of("default"), 10))
                .claims();

        assertThat(without.claims())
                .singleElement()
                .satisfies(claim -> assertThat(claim.trace()).isEmpty());
        assertThat(claims)
                .hasSize(2)
                .allSatisfy(claim -> assertThat(claim.trace())
                        .isEqualTo(claim.id().runId().equals(traced.id()) ? trace : Optional.empty()));
        assertThat(database.value("SELECT count(*) FROM run_traces")).isEqualTo("1");
    }

    @Test
    void equalKeysInOneBatchMakeOneRun() {
        var results = await(work.createRuns(List.of(keyed("k", "hash"), keyed("k", "hash"), keyed("k", "other"))));

        assertThat(results.get(0)).isInstanceOf(Result.Created.class);
        assertThat(results.get(1)).isInstanceOf(Result.Repeated.class);
        assertThat(results.get(2)).isInstanceOf(Result.KeyTaken.class);
        assertThat(runs()).isEqualTo("1");
    }

    @Test
    void equalKeysInTransactionsAtOnceMakeOneRun() {
        var answers = await(Future.all(IntStream.range(0, 20)
                        .mapToObj(_ -> work.createRuns(List.of(keyed("k", "hash"))))
                        .toList()))
                .<List<Result>>list()
                .stream()
                .map(List::getFirst)
                .toList();

        assertThat(answers).filteredOn(Result.Created.class::isInstance).hasSize(1);
        assertThat(answers).filteredOn(Result.Repeated.class::isInstance).hasSize(19);
        assertThat(runs()).isEqualTo("1");
    }

    @Test
    void aRunWhoseAnswerWasLostMayBeToldAgain() {
        var keyed = keyed("k", "hash");
        var plain = run(dag, TenantId.DEFAULT, Optional.empty());
        var first = await(work.createRuns(List.of(keyed, plain)));

        assertThat(await(work.createRuns(List.of(keyed, plain)))).isEqualTo(first);
        assertThat(runs()).isEqualTo("2");
        assertThat(database.value("SELECT count(*) FROM task_ready")).isEqualTo("2");
    }

    @Test
    void aDeletedDagAndThatOfAnotherTenantAreNotThere() throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute("INSERT INTO tenants (name) VALUES ('other')");
        }
        var stranger = run(dag, new TenantId(2), Optional.empty());
        assertThat(create(stranger)).isEqualTo(new Result.NoSuchDag());

        database.value("UPDATE dags SET deleted_at = now() RETURNING id");

        assertThat(create(run(dag, TenantId.DEFAULT, Optional.empty()))).isEqualTo(new Result.NoSuchDag());
        assertThat(create(keyed("k", "hash"))).isEqualTo(new Result.NoSuchDag());
        assertThat(database.value("SELECT count(*) FROM idempotency_keys")).isEqualTo("0");
        assertThat(runs()).isEqualTo("0");
    }

    @Test
    void tenantsDoNotSeeEachOthersKeysNorRuns() throws SQLException {
        var made = (Result.Created) create(keyed("k", "hash"));

        assertThat(await(work.cancel(new TenantId(2), made.id(), Optional.empty())))
                .isEmpty();
        assertThat(database.value("SELECT state FROM dag_runs")).isEqualTo("pending");
    }

    private NewRun keyed(String key, String hash) {
        return run(dag, TenantId.DEFAULT, Optional.of(new NewRun.Key("trigger", key, hash)));
    }

    private static NewRun run(DagId dag, TenantId tenant, Optional<NewRun.Key> key) {
        return new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                tenant,
                dag,
                Trigger.API,
                Optional.empty(),
                Optional.empty(),
                key);
    }

    private Result create(NewRun run) {
        return await(work.createRuns(List.of(run))).getFirst();
    }

    private String runs() {
        return database.value("SELECT count(*) FROM dag_runs");
    }
}
