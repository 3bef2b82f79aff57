package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A node that works finds what the doctor finds. */
class InvariantRepositoryIT {

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private InvariantRepository invariants;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 2, 100);
        invariants = new InvariantRepository(vertx, pools.api());
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    static Stream<String> checks() {
        return InvariantRepository.checks().stream();
    }

    @ParameterizedTest
    @MethodSource("checks")
    void whatIsWrongIsFoundByItsCheckAndWhatIsInOrderIsNot(String check) throws SQLException {
        assertThat(look(check).outcome()).isEqualTo(CheckResult.Outcome.OK);

        DatabaseDoctorIT.plant(database, DatabaseDoctorIT.PLANTED.get(check));

        var result = look(check);
        assertThat(result.outcome()).isEqualTo(CheckResult.Outcome.FOUND);
        assertThat(result.examples()).hasSize(1);
        assertThat(result.cure()).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"one-place", "lost-tasks", "waits-for-failed", "edges-resolved", "edges-go-down", "unique-keys"})
    void whatIsWrongIsFoundPartByPartHoweverMuchIsNewer(String check) throws SQLException {
        DatabaseDoctorIT.plant(database, DatabaseDoctorIT.many(100) + """
                INSERT INTO task_dependencies (dependent_id, prerequisite_id)
                SELECT i.id, f.id FROM task_instances i
                CROSS JOIN (SELECT x.id FROM task_instances x ORDER BY x.id LIMIT 1) f WHERE i.id <> f.id;
                UPDATE task_instances SET depth = 1 WHERE id IN (SELECT d.dependent_id FROM task_dependencies d);
                INSERT INTO unique_keys SELECT 1, i.id::text, i.id FROM task_instances i;
                """ + DatabaseDoctorIT.PLANTED.get(check));

        var counts = new ArrayList<Integer>();
        var upto = Optional.<UUID>empty();
        do {
            var part = await(invariants.look(check, upto, InvariantRepository.ROWS_MIN));
            counts.add(part.result().count());
            upto = part.next();
        } while (upto.isPresent() && counts.size() < 100);

        assertThat(counts).hasSizeBetween(8, 15);
        assertThat(counts.subList(0, 8)).containsOnly(0);
        assertThat(counts.stream().mapToInt(count -> count).sum()).isEqualTo(1);
    }

    /** One task may wait for more than a part has: it stays whole, and the walk comes by it. */
    @Test
    void aTaskWithMoreDependenciesThanAPartHasStaysWhole() throws SQLException {
        DatabaseDoctorIT.plant(database, DatabaseDoctorIT.many(100) + """
                INSERT INTO task_dependencies (dependent_id, prerequisite_id)
                SELECT f.id, i.id FROM task_instances i
                CROSS JOIN (SELECT x.id FROM task_instances x ORDER BY x.id LIMIT 1) f WHERE i.id <> f.id;
                """);

        var first = await(invariants.look("edges-go-down", Optional.empty(), InvariantRepository.ROWS_MIN));
        var second = await(invariants.look("edges-go-down", first.next(), InvariantRepository.ROWS_MIN));

        assertThat(first.result().count() + second.result().count()).isEqualTo(99);
        assertThat(second.next()).isEmpty();
    }

    private CheckResult look(String check) {
        return await(invariants.look(check, Optional.empty(), InvariantRepository.ROWS_MAX))
                .result();
    }
}
