package dev.orrery.store;

import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Bus;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.service.OverdueWaits;
import dev.orrery.store.OverdueWaitRepository.End;
import dev.orrery.testing.Graphs;
import io.vertx.core.Future;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tasks that wait for another attempt while their {@code totalTimeout} passes, and nobody takes them. */
class OverdueWaitsIT {

    private static final Verdict AT_ONCE = new Verdict.Retry(Duration.ZERO, "again", false);

    private TaskBench bench;
    private OverdueWaitRepository repository;
    private OverdueWaits waits;
    private final List<TaskInstanceId> counted = new ArrayList<>();

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(SingleTaskRepository.Limits.USUAL);
        repository = new OverdueWaitRepository(bench.vertx, bench.pools.hot());
        waits = new OverdueWaits(repository, Endings.NONE, (id, _) -> counted.add(id), Bus.on(bench.vertx));
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void oneThatNobodyTakesEndsWithItsLetterAndWhatWaitsForItIsCancelled() throws SQLException {
        var id = waitingAgain();
        var dependent = bench.submitted(task().after(id));
        agoBy(Duration.ofHours(2));

        assertThat(await(waits.bite())).isFalse();

        assertThat(attempts(id)).isEqualTo("1 failed retrying, 2 timed_out timed_out");
        assertThat(bench.text("SELECT started_at IS NULL FROM task_attempts WHERE attempt = 2"))
                .isEqualTo("t");
        assertThat(bench.text("SELECT attempt || ' ' || outcome || ' ' || error FROM dead_letters WHERE task_id = '"
                        + id + "'"))
                .isEqualTo("2 timed_out not tried again: its totalTimeout of 1h over all attempts is over");
        assertThat(bench.text("SELECT state || ' ' || error FROM task_states WHERE id = '" + dependent + "'"))
                .isEqualTo("cancelled prerequisite_failed: task " + id + " did not succeed");
        assertThat(bench.claim(10)).isEmpty();
        assertThat(counted).containsExactly(id);
    }

    @Test
    void oneThatIsSentBackAfterwardsHasItsWholeTimeAgain() throws SQLException {
        var id = waitingAgain();
        agoBy(Duration.ofHours(2));
        await(waits.bite());

        await(bench.calls.retry(TenantId.DEFAULT, id, Optional.empty()));
        await(waits.bite());

        var claim = bench.claim(id);
        assertThat(claim.attempt()).isEqualTo(3);
        assertThat(await(bench.work.totalUsed(id, 3))).isZero();
    }

    @Test
    void whatHasTimeLeftOrNoTotalOrHasNotBegunWaitsOn() throws SQLException {
        var timely = waitingAgain();
        var unlimited = waitingAgain();
        bench.execute("UPDATE task_instances SET definition = definition::jsonb - 'totalTimeout' WHERE id = '"
                + unlimited + "'");
        agoBy(Duration.ofHours(2));
        bench.execute(
                "UPDATE task_attempts SET started_at = clock_timestamp() - interval '50 minutes' WHERE task_id = '"
                        + timely + "'");
        var fresh = bench.submitted(task());
        limit(fresh);

        assertThat(await(repository.look(10)).overdue()).isEmpty();
        await(waits.bite());

        assertThat(bench.claim(10)).extracting(Claim::id).containsExactlyInAnyOrder(timely, unlimited, fresh);
    }

    /** Between the look and the end somebody cancels it, and sends it back: that is another beginning. */
    @Test
    void oneThatBeganAnewMeanwhileIsNotEnded() throws SQLException {
        var id = waitingAgain();
        agoBy(Duration.ofHours(2));
        var overdue = await(repository.look(10)).overdue();
        assertThat(overdue).extracting(OverdueWaitRepository.Overdue::id).containsExactly(id);
        await(bench.calls.cancel(TenantId.DEFAULT, id, Optional.empty()));
        await(bench.calls.retry(TenantId.DEFAULT, id, Optional.empty()));

        var ended = await(repository.end(List.of(new End(overdue.getFirst(), "over"))));

        assertThat(ended.tasks()).isEmpty();
        assertThat(bench.claim(10)).extracting(Claim::id).containsExactly(id);
    }

    @Test
    void manyAreLookedAtInPartsAndAllOfThemEnd() throws SQLException {
        var ids = waitingAgain(5);
        agoBy(Duration.ofHours(2));
        var found = new ArrayList<TaskInstanceId>();

        for (var n = 0; n < 3; n++) {
            await(repository.look(2)).overdue().forEach(each -> found.add(each.id()));
        }

        assertThat(found).containsExactlyInAnyOrderElementsOf(ids);
    }

    /** They wait in a paused queue, for example. */
    @Test
    void whatIsNotDueIsLookedAtOnceAndThenNotBeforeItsTime() throws SQLException {
        var ids = waitingAgain(5);
        assertThat(await(repository.look(10)).looked()).isEqualTo(5);
        assertThat(await(repository.look(10)).looked()).isZero();

        agoBy(Duration.ofHours(2));
        // As it is when its time has come: it is looked at, however many stand before it that have time left.
        bench.execute("UPDATE total_waits SET due_at = clock_timestamp() WHERE task_id = '" + ids.getLast() + "'");

        assertThat(await(repository.look(1)).overdue())
                .extracting(OverdueWaitRepository.Overdue::id)
                .containsExactly(ids.getLast());
    }

    @Test
    void itIsLookedAgainWhenTheTimeMayBeOver() throws SQLException {
        var id = waitingAgain();
        agoBy(Duration.ofMinutes(50));

        await(repository.look(10));

        assertThat(bench.text("SELECT w.due_at - a.started_at BETWEEN interval '59 minutes' AND interval '61 minutes'"
                        + " FROM total_waits w JOIN task_attempts a USING (task_id) WHERE w.task_id = '" + id + "'"))
                .isEqualTo("t");
    }

    @Test
    void whatNoLongerWaitsIsForgotten() throws SQLException {
        bench.end(bench.claim(waitingAgain()), TaskBench.SUCCEED);

        await(repository.look(10));

        assertThat(bench.text("SELECT count(*) FROM total_waits")).isEqualTo("0");
    }

    /** What cannot be ended now, for whatever reason. */
    @Test
    void whatIsOverAndNotEndedIsMetAgainAndKeepsOthersNotBack() throws SQLException {
        var ids = waitingAgain(2);
        agoBy(Duration.ofHours(2));

        var first = await(repository.look(1)).overdue();
        var second = await(repository.look(1)).overdue();

        assertThat(List.of(first.getFirst().id(), second.getFirst().id())).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(bench.text(
                        "SELECT count(*) FROM total_waits WHERE due_at < clock_timestamp() + interval '10 seconds'"))
                .isEqualTo("2");
    }

    /** Its row is put away at that moment, since it was running: the row that it needs now comes after that. */
    @Test
    void oneThatComesToWaitWhileItIsLookedAtIsNotForgotten() throws SQLException {
        var id = waitingAgain();
        agoBy(Duration.ofHours(2));
        var claim = bench.claim(id);

        Future<?> handingBack;
        try (var leader = bench.database.connect();
                var statement = leader.createStatement()) {
            leader.setAutoCommit(false);
            statement.execute("SELECT due_totals(10)");
            handingBack = bench.work.handBack(bench.node, List.of(new WorkRepository.Held(claim.id(), claim.fence())));
            until("it waits for the leader", this::someoneWaits);
            leader.commit();
        }
        await(handingBack);

        assertThat(await(repository.look(10)).overdue())
                .extracting(OverdueWaitRepository.Overdue::id)
                .containsExactly(id);
    }

    /** Wherever it waits; what has not begun costs nothing. */
    @Test
    void ofARunThoseAreNotedThatHaveATotalAndHaveBegun() throws SQLException {
        Graphs.publish(bench.database, Graphs.tasks("a", "b"));
        bench.execute("UPDATE dag_tasks SET total_timeout_ms = 3600000 WHERE task_id = 'a'");
        var ready = "INSERT INTO task_ready (id, queue, latest_start, version_id, attempt)"
                + " SELECT instance_id('01980f6e-000%d-7000-8000-000000000000', t.task_no), 'default', now(), t.version_id, %d"
                + " FROM dag_tasks t";

        bench.execute(ready.formatted(1, 1));
        bench.execute(ready.formatted(2, 0));
        bench.execute("INSERT INTO lock_waits (id, lock_id, queue, latest_start, version_id, attempt, failures)"
                + " SELECT instance_id('01980f6e-0003-7000-8000-000000000000', t.task_no), 1, 'default', now(), t.version_id, 1, 1"
                + " FROM dag_tasks t");

        assertThat(bench.text(
                        "SELECT string_agg(substr(task_id::text, 13, 1) || '.' || task_no_of(task_id), ' ' ORDER BY task_id)"
                                + " FROM total_waits"))
                .isEqualTo("1.1 3.1");
        assertThat(await(repository.look(10)).looked()).isEqualTo(2);
        assertThat(bench.text("SELECT count(*) FROM total_waits")).isEqualTo("2");
    }

    private boolean someoneWaits() {
        return !bench.text("SELECT count(*) FROM pg_locks l WHERE NOT l.granted"
                        + " AND l.pid IN (SELECT a.pid FROM pg_stat_activity a WHERE a.datname = current_database())")
                .equals("0");
    }

    private List<TaskInstanceId> waitingAgain(int count) throws SQLException {
        var ids = new ArrayList<TaskInstanceId>();
        for (var n = 0; n < count; n++) {
            ids.add(waitingAgain());
        }
        return ids;
    }

    /** A task with a total of one hour that failed once and is ready again. */
    private TaskInstanceId waitingAgain() throws SQLException {
        var id = bench.submitted(task());
        limit(id);
        bench.end(bench.claim(id), AT_ONCE);
        until("it is woken", () -> await(bench.work.wakeDue(10)).count() > 0);
        return id;
    }

    private void limit(TaskInstanceId id) throws SQLException {
        bench.execute(
                "UPDATE task_instances SET definition = definition::jsonb || '{\"totalTimeout\": \"1h\"}' WHERE id = '"
                        + id + "'");
    }

    private void agoBy(Duration time) throws SQLException {
        bench.execute(
                "UPDATE task_attempts SET started_at = started_at - interval '%d seconds'".formatted(time.toSeconds()));
    }

    private String attempts(TaskInstanceId id) {
        return bench.text("SELECT string_agg(concat_ws(' ', attempt, outcome, state), ', ' ORDER BY attempt)"
                + " FROM task_attempts WHERE task_id = '" + id + "'");
    }
}
