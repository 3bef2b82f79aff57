package dev.orrery.store;

import static dev.orrery.store.TaskBench.SUCCEED;
import static dev.orrery.store.TaskBench.report;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.Verdict;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Attempts that put their task off. */
class SnoozedAttemptsIT {

    private static final Verdict LATER = new Verdict.Snooze(Duration.ofHours(1));
    private static final Verdict AT_ONCE = new Verdict.Snooze(Duration.ZERO);

    private TaskBench bench;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(SingleTaskRepository.Limits.USUAL);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void itIsRunAgainAndNothingIsCharged() {
        var id = bench.submitted(task());
        bench.end(id, new Verdict.Retry(Duration.ZERO, "once", false));
        wake();

        bench.end(id, AT_ONCE);
        assertThat(bench.state(id)).isEqualTo("retrying");
        wake();

        var third = bench.claim(id);
        assertThat(third.attempt()).isEqualTo(3);
        assertThat(third.failures()).isEqualTo(1);
        bench.end(third, SUCCEED);
        assertThat(outcomes(id)).isEqualTo("failed, snoozed, succeeded");
        assertThat(bench.state(id)).isEqualTo("succeeded");
    }

    @Test
    void whatWaitsForItWaitsOn() {
        var ids = bench.submitted(task(), task().after(1));

        bench.end(ids.get(0), LATER);

        assertThat(bench.states(ids)).containsExactly("retrying", "blocked");
        assertThat(bench.text("SELECT count(*)::text FROM task_outputs")).isEqualTo("0");
        assertThat(bench.text("SELECT count(*)::text FROM claim_batches")).isEqualTo("0");
        assertThat(bench.text("SELECT count(*)::text FROM dead_letters")).isEqualTo("0");
    }

    @Test
    void toldTwiceItIsPutOffOnce() {
        var id = bench.submitted(task());
        var claim = bench.claim(id);

        bench.end(claim, LATER);
        bench.end(claim, LATER);

        assertThat(bench.text("SELECT count(*)::text FROM task_timers")).isEqualTo("1");
        assertThat(outcomes(id)).isEqualTo("snoozed");
    }

    @Test
    void whoIsToldToEndPutsNothingOff() {
        var id = bench.submitted(task());
        var claim = bench.claim(id);
        bench.begin(claim);
        await(bench.calls.cancel(TenantId.DEFAULT, id, Optional.empty()));

        bench.end(claim, LATER);

        assertThat(bench.state(id)).isEqualTo("cancelled");
        assertThat(bench.text("SELECT count(*)::text FROM task_timers")).isEqualTo("0");
    }

    @Test
    void whatIsPutOffCanBeCancelled() {
        var id = bench.submitted(task());
        bench.end(id, LATER);

        await(bench.calls.cancel(TenantId.DEFAULT, id, Optional.empty()));

        assertThat(bench.state(id)).isEqualTo("cancelled");
        assertThat(bench.text("SELECT count(*)::text FROM task_timers")).isEqualTo("0");
    }

    @Test
    void whoHasLostTheClaimPutsNothingOff() {
        var id = bench.submitted(task());
        var claim = bench.claim(id);
        bench.begin(claim);
        await(bench.work.handBack(bench.node, List.of(new WorkRepository.Held(id, claim.fence()))));

        var exchange =
                await(bench.work.commitAndClaim(bench.node, List.of(report(claim, Optional.of(LATER))), List.of(), 0));

        assertThat(exchange.accepted()).isEmpty();
        assertThat(bench.state(id)).isEqualTo("ready");
    }

    @Test
    void aNodeThatDiesRightAfterTakesNothingWithIt() throws SQLException {
        var ids = bench.submitted(task(), task());
        var claims = bench.claim(2);
        bench.begin(claims.getFirst());
        bench.begin(claims.getLast());
        bench.end(claims.getFirst(), AT_ONCE);

        bench.execute("UPDATE nodes SET fenced_at = clock_timestamp() WHERE id = '%s'".formatted(bench.node));
        bench.text("SELECT give_back('%s', ARRAY[%d], NULL, 'lost')::text"
                .formatted(bench.node, claims.getLast().fence()));

        assertThat(bench.states(ids)).containsExactlyInAnyOrder("retrying", "ready");
        wake();
        assertThat(bench.states(ids)).containsExactly("ready", "ready");
        assertThat(bench.text("SELECT string_agg(failures::text, ', ') FROM task_ready"))
                .isEqualTo("0, 0");
    }

    private void wake() {
        until("it is woken", () -> await(bench.work.wakeDue(10)).count() > 0);
    }

    private String outcomes(TaskInstanceId id) {
        return bench.text(
                "SELECT string_agg(outcome::text, ', ' ORDER BY attempt) FROM task_attempts WHERE task_id = '%s'"
                        .formatted(id));
    }
}
