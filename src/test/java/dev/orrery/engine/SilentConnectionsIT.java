package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.store.DagRunRepository;
import dev.orrery.store.Pools;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Connections that the network loses without a word: they hold nobody for longer than the limits of their pool. */
class SilentConnectionsIT extends BrokenNetworkTestBase {

    private static final Duration STATEMENT = Duration.ofMillis(1_500);
    private static final Duration MARGIN = Duration.ofMillis(500);

    /** The silence of a pool, the pause before the next try, and what a busy machine needs. */
    private static final Duration BOUND = Duration.ofSeconds(10);

    private Vertx vertx;
    private Pools pools;

    @Override
    TestEngine newEngine(int port) throws SQLException {
        return new TestEngine(database, vertx -> {
            this.vertx = vertx;
            pools = Pools.open(vertx, database.connectOptions().setPort(port), 4, 1_000, STATEMENT, STATEMENT, MARGIN);
            return pools;
        });
    }

    @Test
    void anExchangeThatNeverArrivesIsToldAgainOnNewConnections() throws SQLException {
        engine.start(1, 2, tasks);
        var run = trigger("a", "b <- a");
        tasks.awaitBegun("a");

        network.lose();
        tasks.end("a", SUCCEEDED);

        until("b begins", BOUND, () -> tasks.order().contains("b"));
        tasks.end("b", SUCCEEDED);
        engine.awaitRun(run, "succeeded");
    }

    @Test
    void anExchangeWhoseAnswerNeverComesIsReconciled() throws SQLException {
        engine.start(1, 2, tasks);
        var run = trigger("a", "b <- a");
        tasks.awaitBegun("a");

        network.loseAnswers();
        tasks.end("a", SUCCEEDED);

        until("b begins", BOUND, () -> tasks.order().contains("b"));
        tasks.end("b", SUCCEEDED);
        engine.awaitRun(run, "succeeded");
        // What was committed counts once, and the claim that nobody knew of was handed back without being charged.
        assertThat(engine.value(
                        "SELECT string_agg(attempt || ' ' || outcome, ', ' ORDER BY task_id) FROM" + " task_attempts"))
                .isEqualTo("1 succeeded, 1 succeeded");
        assertThat(engine.value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
    }

    @Test
    void readersHearThatThereIsNoAnswerAndTheNextOnesGetTheirs() throws SQLException {
        var runs = new DagRunRepository(vertx, pools.api());
        var run = trigger("a");
        var opened = IntStream.range(0, 4)
                .mapToObj(_ -> runs.get(TenantId.DEFAULT, run))
                .toList();
        await(Future.all(opened));

        network.lose();
        var lost = IntStream.range(0, 8)
                .mapToObj(_ -> runs.get(TenantId.DEFAULT, run).map(Optional::isPresent))
                .toList();

        until("all are answered", BOUND, () -> lost.stream().allMatch(Future::isComplete));
        assertThat(lost).allSatisfy(answer -> {
            if (answer.failed()) {
                assertThat(answer.cause())
                        .isInstanceOfSatisfying(
                                OrreryException.class,
                                error -> assertThat(error.code()).isEqualTo(ErrorCode.UNAVAILABLE));
            }
        });
        assertThat(lost).anyMatch(Future::failed);
        assertThat(await(runs.get(TenantId.DEFAULT, run))).isPresent();
    }

    @Test
    void aStatementThatTakesTooLongIsEnded() {
        for (var pool : List.of(pools.hot(), pools.api())) {
            var slow = pool.query("SELECT pg_sleep(60)").execute();

            until("it is ended", BOUND, slow::isComplete);
            assertThat(slow.cause()).hasMessageContaining("statement timeout");
        }
    }
}
