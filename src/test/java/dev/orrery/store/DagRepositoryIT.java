package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.RandomDags;
import dev.orrery.testing.Seeded;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DagRepositoryIT {

    private static final TenantId TENANT = TenantId.DEFAULT;
    private static final TenantId STRANGER = new TenantId(99);
    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final Optional<NewRun.Key> NO_KEY = Optional.empty();

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private DagRepository dags;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 6, 200);
        dags = new DagRepository(vertx, pools.api());
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void whatIsReadBackEqualsWhatWasPublished() {
        Seeded.forAll(40, random -> {
            var id = newId();
            var draft = RandomDags.draft(random, 12).named("dag " + id);
            await(dags.create(TENANT, id, publication(draft), NO_KEY));

            var stored = await(dags.version(TENANT, id, OptionalInt.empty())).orElseThrow();
            var first = await(dags.version(TENANT, id, OptionalInt.of(1))).orElseThrow();

            assertThat(stored.definitionOf(id)).isEqualTo(RandomDags.published(draft, id, 1, stored.createdAt()));
            assertThat(first).isEqualTo(stored);
        });
    }

    @Test
    void publishingWritesTasksEdgesAndQueuesByNumber() throws SQLException {
        var tasks = List.of(
                task("a", Set.of(), 1, "fast"),
                task("b", Set.of("a"), 9, "default"),
                task("c", Set.of("b", "a"), 0, "slow"));

        create(draft("three", tasks));

        assertThat(query("""
                SELECT string_agg(concat_ws(' ', task_no, task_id, type, queue, priority, dependency_count), ', '
                                  ORDER BY task_no) FROM dag_tasks
                """)).isEqualTo("1 a handler fast 9 0, 2 b handler default 9 1, 3 c handler slow 0 2");
        assertThat(query("""
                SELECT string_agg(concat(upstream_no, '->', downstream_no), ', ' ORDER BY upstream_no, downstream_no)
                FROM dag_edges
                """)).isEqualTo("1->2, 1->3, 2->3");
        assertThat(query("SELECT string_agg(name, ' ' ORDER BY name) FROM queues"))
                .isEqualTo("default fast slow");
    }

    @Test
    void aDagIsFoundByIdAndByNameInItsTenantOnly() {
        var dag = create(draft("mine", Graphs.tasks("a")));

        assertThat(await(dags.get(TENANT, dag.id()))).contains(dag);
        assertThat(await(dags.getByName(TENANT, "mine"))).contains(dag);
        assertThat(await(dags.get(STRANGER, dag.id()))).isEmpty();
        assertThat(await(dags.getByName(STRANGER, "mine"))).isEmpty();
        assertThat(await(dags.version(STRANGER, dag.id(), OptionalInt.empty()))).isEmpty();
        assertThat(await(dags.list(STRANGER, 20, 0))).isEmpty();
        assertThat(await(dags.delete(STRANGER, dag.id()))).isEqualTo(DagRepository.Deletion.UNKNOWN);
    }

    @Test
    void aNameThatExistsIsAConflictThatTellsItsId() throws SQLException {
        var first = create(draft("twice", Graphs.tasks("a")));

        assertThatThrownBy(() -> create(draft("twice", Graphs.tasks("b"))))
                .isInstanceOfSatisfying(OrreryException.class, conflict -> {
                    assertThat(conflict.code()).isEqualTo(ErrorCode.CONFLICT);
                    assertThat(conflict.problems())
                            .extracting(Problem::path)
                            .containsExactly(first.id().toString());
                });
        assertThat(query("SELECT count(*) FROM dag_tasks")).isEqualTo("1");
    }

    @Test
    void ofManyWhoTakeOneNameAtOnceOneWins() {
        var all = IntStream.range(0, 20)
                .mapToObj(_ -> dags.create(TENANT, newId(), publication(draft("race", Graphs.tasks("a"))), NO_KEY))
                .toList();

        await(Future.join(all).otherwiseEmpty());

        assertThat(all.stream().filter(Future::succeeded)).hasSize(1);
        assertThat(all.stream().filter(Future::failed).map(Future::cause))
                .allMatch(refused -> refused instanceof OrreryException known && known.code() == ErrorCode.CONFLICT);
        assertThat(await(dags.list(TENANT, 100, 0))).hasSize(1);
    }

    @Test
    void listsAreNewestFirst() {
        var all = IntStream.range(0, 5)
                .mapToObj(n -> create(draft("dag-" + n, Graphs.tasks("a"))))
                .toList();

        assertThat(await(dags.list(TENANT, 2, 0))).containsExactly(all.get(4), all.get(3));
        assertThat(await(dags.list(TENANT, 10, 3))).containsExactly(all.get(1), all.get(0));
    }

    @Test
    void aChangedTextIsTheNextVersionAndEarlierOnesStay() {
        var dag = create(draft("changing", Graphs.tasks("a")), "one");

        var second = update(dag.id(), draft("changing", Graphs.tasks("a", "b <- a")), "two", OptionalInt.of(1))
                .orElseThrow();

        assertThat(second.version()).isEqualTo(2);
        assertThat(second.taskCount()).isEqualTo(2);
        assertThat(second.createdAt()).isEqualTo(dag.createdAt());
        assertThat(second.updatedAt()).isAfter(dag.updatedAt());
        assertThat(await(dags.version(TENANT, dag.id(), OptionalInt.of(1)))
                        .orElseThrow()
                        .yaml())
                .isEqualTo("one");
        assertThat(await(dags.version(TENANT, dag.id(), OptionalInt.empty()))
                        .orElseThrow()
                        .yaml())
                .isEqualTo("two");
        assertThat(await(dags.versions(TENANT, dag.id(), Integer.MAX_VALUE, 10)))
                .extracting(DagRepository.VersionRow::version, DagRepository.VersionRow::taskCount)
                .containsExactly(org.assertj.core.groups.Tuple.tuple(2, 2), org.assertj.core.groups.Tuple.tuple(1, 1));
        assertThat(await(dags.versions(TENANT, dag.id(), 2, 10))).hasSize(1);
    }

    @Test
    void anUnchangedTextKeepsItsVersion() {
        var dag = create(draft("still", Graphs.tasks("a")), "same");

        assertThat(update(dag.id(), draft("still", Graphs.tasks("a")), "same", OptionalInt.empty()))
                .contains(dag);
    }

    @Test
    void aVersionThatMovedOnIsAConflict() {
        var dag = create(draft("moved", Graphs.tasks("a")), "one");

        assertThatThrownBy(() -> update(dag.id(), draft("moved", Graphs.tasks("b")), "two", OptionalInt.of(7)))
                .isInstanceOfSatisfying(
                        OrreryException.class,
                        conflict -> assertThat(conflict.code()).isEqualTo(ErrorCode.CONFLICT));
        assertThat(await(dags.get(TENANT, dag.id()))).contains(dag);
    }

    @Test
    void updatesAtOnceEachGetAVersionOfTheirOwn() {
        var dag = create(draft("busy", Graphs.tasks("a")), "0");

        var versions = await(Future.all(IntStream.rangeClosed(1, 12)
                        .mapToObj(n -> dags.update(
                                TENANT,
                                dag.id(),
                                DagPublication.of(draft("busy", Graphs.tasks("a")), "text " + n),
                                OptionalInt.empty()))
                        .toList()))
                .<Optional<StoredDag>>list();

        assertThat(versions.stream()
                        .map(version -> version.orElseThrow().version())
                        .sorted())
                .containsExactlyElementsOf(IntStream.rangeClosed(2, 13).boxed().toList());
    }

    @Test
    void aFailedPublicationLeavesNothingBehind() throws SQLException {
        execute("ALTER TABLE dag_edges ADD CONSTRAINT no_edges CHECK (upstream_no > 100)");
        var dag = create(draft("whole", Graphs.tasks("a")), "one");

        assertThatThrownBy(() -> create(draft("broken", Graphs.tasks("a", "b <- a"))));
        assertThatThrownBy(
                () -> update(dag.id(), draft("whole", Graphs.tasks("a", "b <- a")), "two", OptionalInt.empty()));

        assertThat(await(dags.list(TENANT, 10, 0))).containsExactly(dag);
        assertThat(query("SELECT count(*) FROM dag_versions")).isEqualTo("1");
        assertThat(query("SELECT count(*) FROM dag_tasks")).isEqualTo("1");
    }

    @Test
    void theSameKeyMakesOneDagAndAnotherRequestUnderItIsRefused() {
        var key = Optional.of(new NewRun.Key("createDag", "k", "hash"));
        var first = await(dags.create(TENANT, newId(), publication(draft("keyed", Graphs.tasks("a"))), key));

        var again = await(dags.create(TENANT, newId(), publication(draft("keyed", Graphs.tasks("a"))), key));
        var other = Optional.of(new NewRun.Key("createDag", "k", "another"));

        assertThat(again).isEqualTo(first);
        assertThatThrownBy(() ->
                        await(dags.create(TENANT, newId(), publication(draft("other", Graphs.tasks("a"))), other)))
                .hasMessageContaining("another request");
        assertThat(await(dags.list(TENANT, 10, 0))).containsExactly(first);
    }

    @Test
    void aKeyOfARefusedRequestIsFreeAgain() {
        create(draft("taken", Graphs.tasks("a")));
        var key = Optional.of(new NewRun.Key("createDag", "k", "hash"));
        assertThatThrownBy(() ->
                await(dags.create(TENANT, newId(), publication(draft("taken", Graphs.tasks("a"))), key)));

        var dag = await(dags.create(TENANT, newId(), publication(draft("free", Graphs.tasks("a"))), key));

        assertThat(dag.name()).isEqualTo("free");
    }

    @Test
    void requestsAtOnceUnderOneKeyHaveOneEffect() {
        var key = Optional.of(new NewRun.Key("createDag", "k", "hash"));

        var made = await(Future.all(IntStream.range(0, 12)
                        .mapToObj(_ -> dags.create(TENANT, newId(), publication(draft("once", Graphs.tasks("a"))), key))
                        .toList()))
                .<StoredDag>list();

        assertThat(Set.copyOf(made)).hasSize(1);
    }

    @Test
    void pausingIsSeenAndRepeatingItChangesNothing() {
        var dag = create(draft("paused", Graphs.tasks("a")));

        var paused = await(dags.setActive(TENANT, dag.id(), false, NO_KEY)).orElseThrow();
        var again = await(dags.setActive(TENANT, dag.id(), false, NO_KEY)).orElseThrow();

        assertThat(paused.active()).isFalse();
        assertThat(again).isEqualTo(paused);
        assertThat(await(dags.setActive(TENANT, newId(), false, NO_KEY))).isEmpty();
        assertThat(await(dags.setActive(STRANGER, dag.id(), true, NO_KEY))).isEmpty();
    }

    @Test
    void aDagWithActiveRunsIsNotDeleted() throws SQLException {
        var dag = create(draft("active", Graphs.tasks("a")));
        var run = aRunOf(dag.id());

        assertThat(await(dags.delete(TENANT, dag.id()))).isEqualTo(DagRepository.Deletion.ACTIVE);
        execute("UPDATE dag_runs SET state = 'succeeded', remaining = 0, completed_at = now() WHERE id = '" + run
                + "'");

        assertThat(await(dags.delete(TENANT, dag.id()))).isEqualTo(DagRepository.Deletion.HIDDEN);
    }

    @Test
    void aDeletedDagIsGoneForReadersAndItsNameIsFree() {
        var dag = create(draft("gone", Graphs.tasks("a")));

        await(dags.delete(TENANT, dag.id()));

        assertThat(await(dags.get(TENANT, dag.id()))).isEmpty();
        assertThat(await(dags.getByName(TENANT, "gone"))).isEmpty();
        assertThat(await(dags.list(TENANT, 10, 0))).isEmpty();
        assertThat(await(dags.version(TENANT, dag.id(), OptionalInt.of(1)))).isEmpty();
        assertThat(await(dags.versions(TENANT, dag.id(), Integer.MAX_VALUE, 10)))
                .isEmpty();
        assertThat(update(dag.id(), draft("gone", Graphs.tasks("b")), "two", OptionalInt.empty()))
                .isEmpty();
        assertThat(await(dags.delete(TENANT, dag.id()))).isEqualTo(DagRepository.Deletion.UNKNOWN);
        assertThat(create(draft("gone", Graphs.tasks("a"))).id()).isNotEqualTo(dag.id());
    }

    @Test
    void aRunThatIsBeingCreatedIsSeenByADeletion() throws SQLException {
        var dag = create(draft("race", Graphs.tasks("a")));
        Future<DagRepository.Deletion> deletion;
        try (var creator = database.connect()) {
            creator.setAutoCommit(false);
            insertRun(creator, dag.id());
            deletion = dags.delete(TENANT, dag.id());
            dev.orrery.testing.Await.until("the deletion waits", this::someoneWaitsForALock);
            creator.commit();
        }

        assertThat(await(deletion)).isEqualTo(DagRepository.Deletion.ACTIVE);
    }

    @Test
    void aHiddenDagIsTakenApartInBoundedSteps() throws SQLException {
        var kept = create(draft("kept", Graphs.tasks("a")));
        var dag = create(draft("apart", Graphs.tasks("a", "b")));
        update(dag.id(), draft("apart", Graphs.tasks("a")), "two", OptionalInt.empty());
        for (var n = 0; n < 5; n++) {
            aRunOf(dag.id());
        }
        execute("UPDATE dag_runs SET state = 'succeeded', remaining = 0, completed_at = now()");
        execute("DELETE FROM task_ready");
        var keptRun = aRunOf(kept.id());
        await(dags.delete(TENANT, dag.id()));

        assertThat(await(dags.purgeHidden(2))).isTrue();
        assertThat(query("SELECT count(*) FROM dag_runs WHERE dag_id = '" + dag.id() + "'"))
                .isEqualTo("3");
        var steps = 1;
        while (await(dags.purgeHidden(2))) {
            steps++;
        }

        assertThat(steps).isEqualTo(6);
        assertThat(query("SELECT string_agg(name, ' ') FROM dags")).isEqualTo("kept");
        assertThat(query("SELECT string_agg(id::text, ' ') FROM dag_runs")).isEqualTo(keptRun.toString());
        assertThat(query("SELECT count(*) FROM task_instances")).isEqualTo("1");
        assertThat(query("SELECT count(*) FROM dag_versions")).isEqualTo("1");
    }

    @Test
    void theLargestDagIsPublishedInOneGo() {
        var tasks = new ArrayList<TaskDefinition>();
        for (var n = 0; n < DagDraft.MAX_TASKS; n++) {
            var upstreams = new LinkedHashSet<TaskId>();
            for (var back = 1; back <= 5 && back <= n; back++) {
                upstreams.add(new TaskId("t" + (n - back)));
            }
            tasks.add(Graphs.task("t" + n, upstreams, 5));
        }
        var publication = publication(draft("largest", tasks));
        create(draft("warm", Graphs.tasks("a")));

        var began = System.nanoTime();
        var dag = await(dags.create(TENANT, newId(), publication, NO_KEY));
        var took = Duration.ofNanos(System.nanoTime() - began);

        assertThat(dag.taskCount()).isEqualTo(DagDraft.MAX_TASKS);
        System.getLogger("test").log(System.Logger.Level.INFO, "published 10,000 tasks and 50,000 edges in " + took);
        assertThat(await(dags.version(TENANT, dag.id(), OptionalInt.empty()))
                        .orElseThrow()
                        .definitionOf(dag.id())
                        .tasks())
                .isEqualTo(tasks);
    }

    private StoredDag create(DagDraft draft) {
        return create(draft, "");
    }

    private StoredDag create(DagDraft draft, String yaml) {
        return await(dags.create(TENANT, newId(), DagPublication.of(draft, yaml), NO_KEY));
    }

    private Optional<StoredDag> update(DagId id, DagDraft draft, String yaml, OptionalInt expected) {
        return await(dags.update(TENANT, id, DagPublication.of(draft, yaml), expected));
    }

    private static DagPublication publication(DagDraft draft) {
        return DagPublication.of(draft, "");
    }

    private static DagDraft draft(String name, List<TaskDefinition> tasks) {
        return new DagDraft(Optional.of(name), Optional.empty(), tasks, Optional.empty(), DagDraft.DEFAULT_TIMEZONE);
    }

    private static TaskDefinition task(String id, Set<String> upstreams, int priority, String queue) {
        var dependencies = new LinkedHashSet<TaskId>();
        upstreams.forEach(upstream -> dependencies.add(new TaskId(upstream)));
        var task = Graphs.task(id, dependencies, priority);
        return new TaskDefinition(
                task.id(), task.name(), task.type(), task.timeout(), task.retry(), dependencies, priority, queue);
    }

    private static DagId newId() {
        return new DagId(IDS.next(System.currentTimeMillis()));
    }

    private RunId aRunOf(DagId dag) {
        var run = new NewRun(
                new RunId(IDS.next(System.currentTimeMillis())),
                TENANT,
                dag,
                Trigger.API,
                Optional.of(new Json("{\"n\":1}")),
                Optional.empty(),
                Optional.empty());
        await(new WorkRepository(vertx, pools.hot()).createRuns(List.of(run)));
        return run.id();
    }

    private void insertRun(java.sql.Connection connection, DagId dag) throws SQLException {
        try (var statement = connection.prepareStatement("""
                SELECT verdict FROM create_runs(ARRAY[?::uuid], ARRAY[1], ARRAY[?::uuid], ARRAY['api'],
                    ARRAY[NULL::text], ARRAY[NULL::timestamptz], ARRAY[NULL::text], ARRAY[NULL::text], ARRAY[NULL::text])
                """)) {
            statement.setObject(1, IDS.next(System.currentTimeMillis()));
            statement.setObject(2, dag.value());
            statement.execute();
        }
    }

    private boolean someoneWaitsForALock() {
        try {
            return !query("SELECT count(*) FROM pg_locks WHERE NOT granted").equals("0");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private String query(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
