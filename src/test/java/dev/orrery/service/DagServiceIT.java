package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.TenantId;
import dev.orrery.store.DagRepository;
import dev.orrery.store.Pools;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.sql.SQLException;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DagServiceIT {

    private static final TenantId TENANT = TenantId.DEFAULT;
    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final String HELLO = """
            name: hello
            schedule: "0 2 * * *"
            timezone: Europe/Berlin
            tasks:
              - id: greet
                type: handler
                handler: echo
                input: { b: 1.0, a: [null] }
            """;
    private static final String NAMELESS = """
            tasks:
              - { id: greet, type: shell, command: echo hello }
            """;

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private DagService dags;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 6, 200);
        dags = new DagService(vertx, new DagRepository(vertx, pools.api()), () -> IDS.next(System.currentTimeMillis()));
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void aPublishedDagIsSummedUpAndShownInFull() {
        var dag = create(HELLO);

        var document = await(dags.definition(TENANT, dag.id(), OptionalInt.empty()));

        assertThat(dag.name()).isEqualTo("hello");
        assertThat(dag.schedule()).contains("0 2 * * *");
        assertThat(dag.timezone()).isEqualTo("Europe/Berlin");
        assertThat(dag.active()).isTrue();
        assertThat(await(dags.get(TENANT, dag.id()))).isEqualTo(dag);
        assertThat(document.yaml()).isEqualTo(HELLO);
        var task = new JsonObject(document.definition().text())
                .getJsonArray("tasks")
                .getJsonObject(0);
        assertThat(task.getJsonObject("input").encode()).isEqualTo("{\"b\":1.0,\"a\":[null]}");
    }

    @Test
    void theNameOfTheRequestWinsAndOneOfTheTwoIsNeeded() {
        assertThat(create(Optional.of("mine"), HELLO).name()).isEqualTo("mine");
        assertThat(create(Optional.of("other"), NAMELESS).name()).isEqualTo("other");

        assertThat(refused(dags.create(TENANT, Optional.empty(), NAMELESS, Optional.empty())))
                .satisfies(error -> assertThat(error.code()).isEqualTo(ErrorCode.VALIDATION_ERROR))
                .satisfies(error ->
                        assertThat(error.problems()).extracting(Problem::code).containsExactly("MISSING_FIELD"));
        assertThat(refused(dags.create(TENANT, Optional.of("a\u0007b"), HELLO, Optional.empty()))
                        .problems())
                .extracting(Problem::code)
                .containsExactly("BAD_NAME");
    }

    @Test
    void aWrongFileIsRefusedWithAllItsProblems() {
        var error = refused(dags.create(TENANT, Optional.empty(), """
                name: wrong
                tasks:
                  - { id: a, type: shell, comand: x }
                  - { id: b, type: shell, command: x, dependencies: [c] }
                """, Optional.empty()));

        assertThat(error.code()).isEqualTo(ErrorCode.VALIDATION_ERROR);
        assertThat(error.problems()).hasSizeGreaterThanOrEqualTo(2).allMatch(problem -> problem.line() > 0);
    }

    @Test
    void whatCannotBeStoredIsRefusedInFilesAndReplacedInNames() {
        var half = HELLO.replace("echo", "echo\uD800");

        assertThat(refused(dags.create(TENANT, Optional.empty(), half, Optional.empty()))
                        .code()
                        .status())
                .isEqualTo(400);
        assertThat(create(Optional.of("a\uD800"), HELLO).name()).isEqualTo("a\uFFFD");
    }

    @Test
    void anUpdateKeepsTheNameAndTheVersionOfAnUnchangedText() {
        var dag = create(Optional.of("mine"), HELLO);

        var same = await(dags.update(TENANT, dag.id(), HELLO, OptionalInt.of(1)));
        var next = await(dags.update(TENANT, dag.id(), NAMELESS, OptionalInt.of(1)));

        assertThat(same).isEqualTo(dag);
        assertThat(next.version()).isEqualTo(2);
        assertThat(next.name()).isEqualTo("mine");
        assertThat(next.schedule()).isEmpty();
        assertThat(refused(dags.update(TENANT, dag.id(), HELLO, OptionalInt.of(1)))
                        .code())
                .isEqualTo(ErrorCode.CONFLICT);
    }

    @Test
    void versionsAreListedInParts() {
        var dag = create(HELLO);
        for (var n = 2; n <= 5; n++) {
            await(dags.update(TENANT, dag.id(), HELLO + "# " + n + "\n", OptionalInt.empty()));
        }

        var first = await(dags.versions(TENANT, dag.id(), Optional.empty(), 2));
        var second = await(dags.versions(TENANT, dag.id(), first.nextCursor(), 2));
        var third = await(dags.versions(TENANT, dag.id(), second.nextCursor(), 2));

        assertThat(first.items()).extracting(DagVersionSummary::version).containsExactly(5, 4);
        assertThat(second.items()).extracting(DagVersionSummary::version).containsExactly(3, 2);
        assertThat(third.items()).extracting(DagVersionSummary::version).containsExactly(1);
        assertThat(third.nextCursor()).isEmpty();
        assertThat(refused(dags.versions(TENANT, dag.id(), Optional.of("x"), 2)).code())
                .isEqualTo(ErrorCode.BAD_REQUEST);
    }

    @Test
    void aNameFindsItsDagOnly() {
        var dag = create(HELLO);
        create(Optional.of("another"), HELLO);

        assertThat(await(dags.list(TENANT, Page.FIRST, Optional.of("hello")))).containsExactly(dag);
        assertThat(await(dags.list(TENANT, new Page(20, 1), Optional.of("hello"))))
                .isEmpty();
        assertThat(await(dags.list(TENANT, Page.FIRST, Optional.of("hell")))).isEmpty();
        assertThat(await(dags.list(TENANT, Page.FIRST, Optional.empty()))).hasSize(2);
    }

    @Test
    void theSameRequestUnderAKeyIsAnsweredAlike() {
        var key = Optional.of(new RequestKey("createDag", "k", "hash"));
        var first = await(dags.create(TENANT, Optional.empty(), HELLO, key));

        assertThat(await(dags.create(TENANT, Optional.empty(), HELLO, key))).isEqualTo(first);

        var pause = Optional.of(new RequestKey("pauseDag", "k", "hash"));
        assertThat(await(dags.pause(TENANT, first.id(), pause)).active()).isFalse();
        assertThat(await(dags.pause(TENANT, first.id(), pause)).active()).isFalse();
        assertThat(await(dags.resume(TENANT, first.id(), Optional.empty())).active())
                .isTrue();
        var other = Optional.of(new RequestKey("pauseDag", "k", "another"));
        assertThat(refused(dags.pause(TENANT, first.id(), other)).code()).isEqualTo(ErrorCode.CONFLICT);
    }

    @Test
    void whatIsUnknownIsToldSo() {
        var nobody = new DagId(IDS.next(0));
        var dag = create(HELLO);

        assertNoDag(dags.get(TENANT, nobody));
        assertNoDag(dags.update(TENANT, nobody, HELLO, OptionalInt.empty()));
        assertNoDag(dags.definition(TENANT, nobody, OptionalInt.empty()));
        assertNoDag(dags.definition(TENANT, dag.id(), OptionalInt.of(2)));
        assertNoDag(dags.versions(TENANT, nobody, Optional.empty(), 10));
        assertNoDag(dags.pause(TENANT, nobody, Optional.empty()));
        assertNoDag(dags.pause(TENANT, nobody, Optional.of(new RequestKey("pauseDag", "k", "hash"))));
        assertNoDag(dags.delete(TENANT, nobody));
    }

    @Test
    void aDeletedDagIsGoneAndItsRowsFollow() {
        var dag = create(HELLO);

        await(dags.delete(TENANT, dag.id()));

        assertNoDag(dags.get(TENANT, dag.id()));
        until("its rows are gone", () -> count("dags") == 0 && count("dag_tasks") == 0);
    }

    private DagSummary create(String yaml) {
        return create(Optional.empty(), yaml);
    }

    private DagSummary create(Optional<String> name, String yaml) {
        return await(dags.create(TENANT, name, yaml, Optional.empty()));
    }

    private static void assertNoDag(Future<?> answer) {
        assertThat(refused(answer).code()).isEqualTo(ErrorCode.DAG_NOT_FOUND);
    }

    private static OrreryException refused(Future<?> answer) {
        return catchThrowableOfType(OrreryException.class, () -> await(answer));
    }

    private int count(String table) {
        try (var connection = database.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT count(*) FROM " + table)) {
            rows.next();
            return rows.getInt(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
