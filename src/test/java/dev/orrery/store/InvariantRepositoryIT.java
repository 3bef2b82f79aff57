package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

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
        assertThat(await(invariants.check(check)).outcome()).isEqualTo(CheckResult.Outcome.OK);

        DatabaseDoctorIT.plant(database, DatabaseDoctorIT.PLANTED.get(check));

        var result = await(invariants.check(check));
        assertThat(result.outcome()).isEqualTo(CheckResult.Outcome.FOUND);
        assertThat(result.examples()).hasSize(1);
        assertThat(result.cure()).isNotEmpty();
    }
}
