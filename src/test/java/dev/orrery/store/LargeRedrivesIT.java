package dev.orrery.store;

import static dev.orrery.store.TaskBench.FAIL;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.orrery.bus.Bus;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.InputEdit;
import dev.orrery.engine.deadletter.DeadLetterVerticle;
import dev.orrery.service.deadletter.DeadLetterService;
import dev.orrery.store.DeadLetterRepository.Filter;
import dev.orrery.store.LetterRedriveRepository.Asked;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Requests for many dead letters of which a hundred at once would take too long. */
class LargeRedrivesIT {

    private static final Duration LIMIT = Duration.ofMillis(500);

    private TaskBench bench;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(SingleTaskRepository.Limits.USUAL);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    /** All that holds them must not wait for a hundred mebibytes. */
    @ParameterizedTest
    @ValueSource(strings = {"NULL", "ARRAY(SELECT l.id FROM dead_letters l)"})
    void lettersWithLargeInputsArePatchedAFewAtATime(String letters) {
        letters(4, "{\"old\":1,\"text\":\"" + "y".repeat(600_000) + "\"}");
        ask(letters, "'{\"old\":null,\"new\":2}'");

        assertThat(goOn()).isEqualTo("true");
        assertThat(told()).isEqualTo("2 open");
        assertThat(goOn()).isEqualTo("true");
        assertThat(told()).startsWith("4 ");
        goOn();

        assertThat(told()).isEqualTo("4 ended");
        assertThat(
                        bench.text(
                                "SELECT count(*)::text FROM task_instances"
                                        + " WHERE input ->> 'new' = '2' AND input -> 'old' IS NULL AND length(input ->> 'text') = 600000"))
                .isEqualTo("4");
    }

    /** Of a hundred at once none would ever be sent back, nor any that was asked for later. */
    @Test
    void aRequestThatTakesTooLongGoesOnInSmallerSteps() throws SQLException {
        letters(40, "{}");
        dawdle("NEW.state = 'redriven'", 0.03);
        ask("NULL", "NULL");

        goOnUntil("40 ended");
    }

    /** Not even one of its letters can be sent back in the time that a statement has. */
    @Test
    void aRequestWithWhichNobodyGetsOnLetsOthersPass() throws SQLException {
        letters(3, "{}");
        var hopeless = bench.text("SELECT min(id::text) FROM dead_letters");
        dawdle("NEW.state = 'redriven' AND OLD.id = '" + hopeless + "'", 1);
        ask("ARRAY['" + hopeless + "'::uuid]", "NULL");
        ask("ARRAY(SELECT l.id FROM dead_letters l WHERE l.id <> '" + hopeless + "')", "NULL");

        var logged = logged(() -> goOnUntil("0 open, 2 ended"));

        var hopelessOne = bench.text("SELECT id FROM letter_redrives WHERE ended_at IS NULL");
        assertThat(logged).anyMatch(line -> line.contains(hopelessOne) && line.contains("trying it again in PT30S"));
        assertThat(logged).anyMatch(line -> line.endsWith("trying again in PT1S with 50 at once"));
    }

    /** What the verticle told meanwhile. */
    private static List<String> logged(Runnable action) {
        var lines = new CopyOnWriteArrayList<String>();
        var logger = (Logger) LoggerFactory.getLogger(DeadLetterVerticle.class);
        var appender = new AppenderBase<ILoggingEvent>() {
            @Override
            protected void append(ILoggingEvent event) {
                lines.add(event.getFormattedMessage());
            }
        };
        appender.start();
        logger.addAppender(appender);
        try {
            action.run();
        } finally {
            logger.detachAppender(appender);
        }
        return lines;
    }

    private void dawdle(String when, double seconds) throws SQLException {
        bench.execute("CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS" + " $$BEGIN PERFORM pg_sleep("
                + seconds + "); RETURN NEW; END$$");
        bench.execute("CREATE TRIGGER dawdling BEFORE UPDATE ON dead_letters FOR EACH ROW" + " WHEN (" + when
                + ") EXECUTE FUNCTION dawdle()");
    }

    private void goOnUntil(String told) {
        var vertx = Vertx.vertx();
        var pools = Pools.open(vertx, bench.database.connectOptions(), 2, 100, LIMIT, LIMIT, Duration.ofSeconds(5));
        var bus = Bus.on(vertx);
        var letters = service(vertx, pools, bus);
        try {
            await(vertx.deployVerticle(new DeadLetterVerticle(letters, bus)));

            until("it has come so far: " + told, Duration.ofSeconds(30), () -> told().equals(told));
        } finally {
            await(pools.close());
            await(vertx.close());
        }
    }

    /** The view that they are counted by is out of reach, as if there were millions to be looked through. */
    @Test
    void whatTakesTooLongToBeCountedIsAskedForAllTheSame() throws SQLException {
        letters(1, "{}");
        // What is not held back must be done within it, on a busy machine too.
        var limit = Duration.ofSeconds(3);
        var pools =
                Pools.open(bench.vertx, bench.database.connectOptions(), 2, 100, limit, limit, Duration.ofSeconds(5));
        var letters = service(bench.vertx, pools, Bus.on(bench.vertx));
        var asked = new Asked(
                Optional.empty(),
                Filter.ALL,
                Optional.empty(),
                OptionalInt.empty(),
                "ada",
                Optional.empty(),
                new InputEdit.None(),
                OptionalInt.empty());
        try (var lock = bench.database.connect();
                var statement = lock.createStatement()) {
            lock.setAutoCommit(false);
            statement.execute("LOCK TABLE jobs");

            var redrive = await(letters.redriveAll(TenantId.DEFAULT, asked, Optional.empty()));

            assertThat(redrive.expected()).isEmpty();
            lock.rollback();
        } finally {
            await(pools.close());
        }
        goOn();
        assertThat(told()).isEqualTo("1 ended");
    }

    private static DeadLetterService service(Vertx vertx, Pools pools, Bus bus) {
        var repositories = new DeadLetterService.Repositories(
                new DeadLetterRepository(vertx, pools.api()),
                new LetterRedriveRepository(vertx, pools.api(), 5),
                new TaskInstanceRepository(vertx, pools.api()));
        return new DeadLetterService(repositories, TaskBench::nextId, bus);
    }

    private void letters(int count, String input) {
        bench.submitted(Stream.generate(() -> task().input(input)).limit(count).toArray(TaskBench.Draft[]::new));
        bench.end(bench.claim(count), FAIL);
    }

    private void ask(String letters, String patch) {
        bench.text("SELECT id::text FROM ask_redrive(1, gen_random_uuid(), " + letters
                + ", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'ada', NULL, NULL, NULL, NULL, NULL, "
                + patch + ", 4)");
    }

    private String goOn() {
        return bench.text("SELECT went_on::text FROM continue_redrives(100, 5)");
    }

    private String told() {
        return bench.text(
                "SELECT string_agg(redriven || CASE WHEN ended_at IS NULL THEN ' open' ELSE ' ended' END, ', ' ORDER BY redriven)"
                        + " FROM letter_redrives");
    }
}
