package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Events that wait for their readers, and readers, are bounded; who is slow or leaves harms nobody. */
class EventFeedLimitsIT extends EventFeedTestBase {

    @Test
    void whoComesWhileTooManyEventsWaitIsTurnedAwayUntilTheyAreRead() {
        var run = aRun(IntStream.range(0, 60).mapToObj(n -> "t" + n).toArray(String[]::new));
        feed = feed(100 * 2 * 100);

        var first = await(feed.open(TENANT, run, FROM_THE_BEGINNING));
        assertThatThrownBy(() -> open(run))
                .isInstanceOfSatisfying(
                        OrreryException.class, error -> assertThat(error.code()).isEqualTo(ErrorCode.OVERLOADED));
        await(first.next());
        open(run).close();

        var second = await(feed.open(TENANT, run, FROM_THE_BEGINNING));
        assertThatThrownBy(() -> open(run)).isInstanceOf(OrreryException.class);
        second.close();
        open(run).close();
        first.close();
    }

    @Test
    void aCrowdThatComesAtOnceForALargeRunIsLetInAndKeepsItsBeginningOnce() {
        var run = aRun(IntStream.range(0, 2_000).mapToObj(n -> "t" + n).toArray(String[]::new));
        feed = feed(100 * 2 * 10_000);

        var crowd = IntStream.range(0, 100)
                .mapToObj(_ -> feed.open(TENANT, run, FROM_THE_BEGINNING))
                .toList();

        for (var one : crowd) {
            try (var events = await(one)) {
                var all = new ArrayList<RunEvent>();
                while (all.size() < 2_001) {
                    all.addAll(await(events.next()));
                }
                assertThat(all.getLast()).isInstanceOf(RunEvent.Run.class);
            }
        }
    }

    @Test
    void whoDoesNotReadMakesRoomForWhoComes() {
        var run = aRun(IntStream.range(0, 60).mapToObj(n -> "t" + n).toArray(String[]::new));
        feed = feed(100 * 2 * 100, Duration.ofMillis(1));
        var slow = open(run);
        var began = System.nanoTime();
        until("it was quiet for long enough", () -> System.nanoTime() - began > 2_000_000);

        try (var quick = open(run)) {
            assertThat(await(quick.next())).hasSize(61);
        }

        assertThatThrownBy(() -> await(slow.next()))
                .isInstanceOfSatisfying(
                        OrreryException.class, error -> assertThat(error.code()).isEqualTo(ErrorCode.OVERLOADED));
        slow.close();
    }

    @Test
    void whatIsNotKeptIsReadFromTheDatabase() {
        feed = feed(1);
        var run = aRun("a", "b <- a");
        try (var events = open(run)) {
            await(events.next());

            for (var end = 0; end < 2; end++) {
                commit(claimOne(), Optional.of(SUCCEED));
            }

            var told = new ArrayList<RunEvent>();
            for (var next = await(events.next()); !next.isEmpty(); next = await(events.next())) {
                told.addAll(next);
            }
            assertThat(told(told)).isEqualTo("a succeeded, b ready, run running, b succeeded, run succeeded");
        }
    }

    @Test
    void aReaderThatIsFarBehindWhileTooManyEventsWaitIsBrokenOffAndGoesOnLater() throws SQLException {
        var run = aRun(IntStream.range(0, 700).mapToObj(n -> "t" + n).toArray(String[]::new));
        feed = feed(100 * 2 * 100);
        String last;
        try (var events = open(run)) {
            var all = new ArrayList<>(await(events.next()));
            all.addAll(await(events.next()));
            last = all.getLast().id();

            commitAll(claim(700));

            assertThatThrownBy(() -> await(events.next()))
                    .isInstanceOfSatisfying(
                            OrreryException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.OVERLOADED));
        }

        feed = feed(10_000_000);
        assertThat(readToTheEnd(run, Optional.of(last))).hasSize(701);
    }

    @Test
    void whoReadsIsNotBrokenOffBecauseManyOthersHearTheSame() {
        var run = aRun(IntStream.range(0, 700).mapToObj(n -> "t" + n).toArray(String[]::new));
        feed = feed(100 * 2 * 2_000);
        var crowd = new ArrayList<RunEvents>();
        for (var n = 0; n < 20; n++) {
            crowd.add(open(run));
            hear(crowd.getLast(), 701);
        }
        var waiting = crowd.stream().map(RunEvents::next).toList();

        commitAll(claim(700));

        for (var n = 0; n < crowd.size(); n++) {
            var all = new ArrayList<>(await(waiting.get(n)));
            all.addAll(hear(crowd.get(n), 701 - all.size()));
            assertThat(all.stream().map(RunEvent::id).distinct()).hasSizeLessThan(10);
            assertThat(told(all)).endsWith("run succeeded");
            crowd.get(n).close();
        }
    }

    private static List<RunEvent> hear(RunEvents events, int count) {
        var all = new ArrayList<RunEvent>();
        while (all.size() < count) {
            all.addAll(await(events.next()));
        }
        return all;
    }

    @Test
    void aSlowReaderHearsEverythingInOrder() throws SQLException {
        var lines = IntStream.range(0, 60).mapToObj(n -> "t" + n).toArray(String[]::new);
        var run = aRun(lines);
        try (var slow = open(run);
                var fast = open(run)) {
            await(slow.next());
            await(fast.next());
            for (var n = 0; n < 100; n++) {
                execute("""
                        INSERT INTO task_events (tenant_id, run_id, task_nos, froms, tos, attempts, fences, workers)
                        SELECT 1, '%s', array_agg(t), array_agg('queued'::task_state), array_agg('running'::task_state),
                               array_agg(%d::smallint), array_agg(1::bigint), array_agg(1::smallint)
                        FROM generate_series(1, 60) t
                        """.formatted(run, n));
            }
            feed.signal();
            assertThat(attempts(fast, 6_000)).isEqualTo(attempts(slow, 6_000)).isSorted();
        }
    }

    @Test
    void tooManyReadersAreRefusedAndThoseThatLeaveMakeRoom() {
        var run = aRun("a");
        var open = new ArrayList<RunEvents>();
        var unknown = catchThrowableOfType(
                OrreryException.class, () -> await(feed.open(TENANT, new RunId(new UUID(1, 0)), FROM_THE_BEGINNING)));
        for (var n = 0; n < EventFeed.MAX_READERS; n++) {
            open.add(open(run));
        }

        var refused = catchThrowableOfType(OrreryException.class, () -> open(run));
        open.forEach(RunEvents::close);
        open.getFirst().close();

        assertThat(unknown).isNotNull();
        assertThat(refused.code()).isEqualTo(ErrorCode.OVERLOADED);
        assertThat(open(run)).isNotNull();
    }

    @Test
    void whoWaitsHearsThatItWasClosed() {
        var events = open(aRun("a"));
        await(events.next());
        var next = events.next();

        events.close();

        until("it is answered", next::isComplete);
        assertThat(next.failed()).isTrue();
    }
}
