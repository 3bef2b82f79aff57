package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.store.DagRunRepository;
import io.vertx.core.Promise;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What readers of a run are told: everything, once, in the order of the commits. */
class EventFeedIT extends EventFeedTestBase {

    @Test
    void theStateOfEverythingComesFirstThenEachChangeThenTheEnd() {
        var run = aRun("a", "b <- a");
        try (var events = open(run)) {
            assertThat(told(await(events.next()))).isEqualTo("a ready, b blocked, run pending");

            var a = claimOne();
            commit(a, Optional.empty());
            assertThat(told(await(events.next()))).isEqualTo("a running, run running");
            commit(a, Optional.of(SUCCEED));
            assertThat(told(await(events.next()))).isEqualTo("a succeeded, b ready");
            commit(claimOne(), Optional.of(SUCCEED));
            assertThat(told(await(events.next()))).isEqualTo("b succeeded, run succeeded");

            assertThat(await(events.next())).isEmpty();
        }
    }

    @Test
    void aSignalIsFasterThanThePoll() {
        var run = aRun("a");
        try (var events = open(run)) {
            await(events.next());
            var next = events.next();
            var began = System.nanoTime();

            commit(claimOne(), Optional.of(SUCCEED));
            feed.signal();

            await(next);
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofMillis(900));
        }
    }

    @Test
    void whatHappensWhileAReaderIsLetInIsToldWithoutAnotherSignal() {
        var run = aRun("a");
        Promise<Integer> asked = Promise.promise();
        Promise<Void> answered = Promise.promise();
        var feed = feedBySignals(version -> {
            asked.tryComplete(version);
            return answered.future().compose(_ -> versions.version(version));
        });
        var opening = feed.open(TENANT, run, Optional.empty());
        await(asked.future());
        commit(claimOne(), Optional.empty());
        feed.signal();
        answered.complete();

        try (var events = await(opening)) {
            assertThat(told(await(events.next()))).isEqualTo("a ready, run pending");
            assertThat(told(await(events.next()))).isEqualTo("a running, run running");
        }
    }

    @Test
    void ofARunThatHasEndedAllIsToldAtOnce() {
        var run = aRun("a");
        commit(claimOne(), Optional.of(SUCCEED));

        try (var events = open(run)) {
            assertThat(told(await(events.next()))).isEqualTo("a succeeded, run succeeded");
            assertThat(await(events.next())).isEmpty();
        }
    }

    @Test
    void afterAnyEventTheRestFollowsWithoutAGap() {
        var run = aRun("a", "b", "c <- a b", "d <- c");
        var all = new ArrayList<RunEvent>();
        try (var events = open(run)) {
            all.addAll(await(events.next()));
            for (var claims = claim(2); !claims.isEmpty(); claims = claim(2)) {
                claims.forEach(claim -> commit(claim, Optional.empty()));
                await(work.commitAndClaim(
                        node,
                        claims.stream()
                                .map(claim -> report(claim, Optional.of(SUCCEED)))
                                .toList(),
                        QUEUES,
                        0));
            }
            for (var next = await(events.next()); !next.isEmpty(); next = await(events.next())) {
                all.addAll(next);
            }
        }
        var whole = told(all);
        assertThat(whole).endsWith("d succeeded, run succeeded");

        for (var n = 4; n < all.size(); n++) {
            var rest = readToTheEnd(run, Optional.of(all.get(n).id()));
            var missing = told(all.subList(n + 1, all.size()));

            assertThat(told(rest)).endsWith(missing);
            assertThat(whole).endsWith(told(rest));
        }
        assertThat(readToTheEnd(run, Optional.of(all.getLast().id()))).isEmpty();
    }

    @Test
    void whoBrokeOffInTheFirstEventsOrNamesNoEventBeginsAnew() {
        var run = aRun("a");
        String first;
        try (var events = open(run)) {
            first = await(events.next()).getFirst().id();
        }

        for (var id : List.of(first, "nonsense", "-1", "999999999", "99999999999999999999999")) {
            try (var events = await(feed.open(TENANT, run, Optional.of(id)))) {
                assertThat(told(await(events.next()))).isEqualTo("reset, a ready, run pending");
            }
        }
    }

    /** One transaction is older, but waits for the other at this run, and a third is open all the while. */
    @Test
    void changesAreToldInTheOrderOfTheirCommitsWhateverTheAgeOfTheirTransactions() throws SQLException {
        var other = aRun("x");
        var run = aRun("a");
        try (var events = open(run);
                var older = transaction();
                var bystander = transaction();
                var younger = transaction()) {
            await(events.next());
            lock(older, other);
            execute(bystander, "SELECT pg_current_xact_id()");
            lock(younger, run);

            event(younger, run, "NULL", "queued", "running");
            younger.commit();
            lock(older, run);
            event(older, run, "'succeeded'", "running", "succeeded");
            execute(
                    older,
                    "UPDATE dag_runs SET state = 'succeeded', remaining = 0, completed_at = now() WHERE id = '" + run
                            + "'");
            older.commit();
            feed.signal();

            var all = new ArrayList<RunEvent>();
            for (var next = await(events.next()); !next.isEmpty(); next = await(events.next())) {
                all.addAll(next);
            }
            assertThat(told(all)).isEqualTo("a running, a succeeded, run succeeded");
        }
    }

    @Test
    void aRunThatIsDeletedEndsItsStream() {
        var run = aRun("a");
        try (var events = open(run)) {
            await(events.next());
            commit(claimOne(), Optional.of(SUCCEED));

            assertThat(await(new DagRunRepository(vertx, pools.api()).delete(TENANT, run)))
                    .isEqualTo(DagRunRepository.Deletion.DELETED);

            var rest = await(events.next());
            assertThat(rest.isEmpty() || await(events.next()).isEmpty()).isTrue();
        }
    }

    @Test
    void anUnknownRunAndThatOfAnotherTenantAreNotFound() {
        var run = aRun("a");

        for (var failure : List.of(
                catchThrowableOfType(
                        OrreryException.class,
                        () -> await(feed.open(TENANT, new RunId(new UUID(1, 0)), FROM_THE_BEGINNING))),
                catchThrowableOfType(
                        OrreryException.class, () -> await(feed.open(new TenantId(9), run, FROM_THE_BEGINNING))))) {
            assertThat(failure.code()).isEqualTo(ErrorCode.RUN_NOT_FOUND);
        }
    }

    @Test
    void howFarARunningTaskHasComeIsToldOnceForEachPercentage() {
        var run = aRun("a", "b");
        try (var events = open(run)) {
            await(events.next());
            var claims = claim(2);
            commit(claims.getFirst(), Optional.empty());
            assertThat(told(await(events.next()))).isEqualTo("a running, run running");
            commit(claims.getLast(), Optional.empty());
            assertThat(told(await(events.next()))).isEqualTo("b running");

            tells(claims.getFirst(), 20);
            var first = await(events.next());
            tells(claims.getFirst(), 60);
            var second = await(events.next());
            tells(claims.getLast(), 10);
            var third = await(events.next());

            assertThat(told(first)).isEqualTo("a 20%");
            assertThat(told(second)).isEqualTo("a 60%");
            assertThat(told(third)).as("only what is new").isEqualTo("b 10%");
            try (var later = open(run)) {
                assertThat(told(await(later.next()))).isEqualTo("a running, a 60%, b running, b 10%, run running");
            }
            try (var again =
                    await(feed.open(TENANT, run, Optional.of(first.getFirst().id())))) {
                assertThat(told(await(again.next())).split(", ")).containsExactlyInAnyOrder("a 60%", "b 10%");
            }
            tells(claims.getFirst(), 90);
            commit(claims.getFirst(), Optional.of(SUCCEED));
            var rest = new ArrayList<RunEvent>();
            while (!told(rest).contains("succeeded")) {
                rest.addAll(await(events.next()));
            }
            assertThat(told(rest)).endsWith("a succeeded");
        }
    }
}
