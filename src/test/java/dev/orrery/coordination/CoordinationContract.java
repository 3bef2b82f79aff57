package dev.orrery.coordination;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.coordination.Coordination.Mark;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What every coordination service does. */
abstract class CoordinationContract {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private final List<Coordination> opened = new ArrayList<>();

    abstract Coordination connect();

    @AfterEach
    void leave() {
        opened.forEach(Coordination::close);
    }

    final Coordination open() {
        var coordination = connect();
        opened.add(coordination);
        return coordination;
    }

    static Member member(String name) {
        var node = new NodeId(IDS.next(System.currentTimeMillis()));
        return new Member(node, name, "1.0", "http://127.0.0.1:8080", "127.0.0.1", 7002, List.of("shell", "http"));
    }

    /** A candidate that remembers what it was told. */
    static final class Standing implements Coordination.Candidate {

        volatile boolean may = true;
        volatile boolean refuses;
        volatile Coordination.@org.jspecify.annotations.Nullable Term term;
        private final AtomicInteger electionCount = new AtomicInteger();
        private final AtomicInteger lossCount = new AtomicInteger();

        @Override
        public boolean mayLead() {
            return may;
        }

        @Override
        public void elected(Coordination.Term begun) {
            electionCount.incrementAndGet();
            if (refuses) {
                throw new CoordinationException("cannot lead");
            }
            term = begun;
        }

        @Override
        public void lost() {
            lossCount.incrementAndGet();
            term = null;
        }

        int elections() {
            return electionCount.get();
        }

        int losses() {
            return lossCount.get();
        }

        boolean leads() {
            var current = term;
            return current != null && current.isTrusted();
        }
    }

    @Test
    void whoJoinsIsAMemberAsItToldAndAtOnce() {
        var coordination = open();
        var self = member("one");

        coordination.join(self);

        assertThat(coordination.members()).containsExactly(self);
    }

    @Test
    void theOnlyCandidateLeads() {
        var coordination = open();
        var self = member("one");
        coordination.join(self);
        var standing = new Standing();

        coordination.campaign(standing);

        until("it leads", standing::leads);
        until("all see it", () -> coordination.leader().equals(java.util.Optional.of(self.node())));
        assertThat(standing.elections()).isEqualTo(1);
    }

    @Test
    void whoResignsLeadsNoMoreAndIsTold() {
        var coordination = open();
        coordination.join(member("one"));
        var standing = new Standing();
        coordination.campaign(standing);
        until("it leads", standing::leads);
        var term = standing.term;

        coordination.resign();

        assertThat(standing.losses()).isEqualTo(1);
        assertThat(term).isNotNull();
        assertThat(java.util.Objects.requireNonNull(term).isTrusted()).isFalse();
    }

    @Test
    void whoCannotLeadGivesItUpAndLeadsAgainWhenItCan() {
        var coordination = open();
        coordination.join(member("one"));
        var standing = new Standing();
        standing.may = false;
        coordination.campaign(standing);

        standing.may = true;
        until("it leads", standing::leads);
        standing.may = false;
        until("it gave it up", () -> standing.losses() == 1);
        standing.may = true;
        until("it leads again", standing::leads);

        assertThat(standing.elections()).isEqualTo(2);
    }

    @Test
    void anElectionThatTheElectedCannotTakeIsMadeAgain() {
        var coordination = open();
        coordination.join(member("one"));
        var standing = new Standing();
        standing.refuses = true;
        coordination.campaign(standing);
        until("it was elected", () -> standing.elections() >= 2);
        assertThat(standing.leads()).isFalse();

        standing.refuses = false;

        until("it leads", standing::leads);
    }

    @Test
    void aNodeIsNotMarkedUnlessSomeoneMarksIt() {
        var coordination = open();

        assertThat(coordination.readMark(member("one").node())).isEqualTo(Mark.NONE);
        assertThat(coordination.mark(member("two").node())).isTrue();
    }

    @Test
    void aLockHasOneHolderAndEachHasAGreaterNumber() throws Exception {
        var coordination = open();
        var first = coordination.lock("start-up", Duration.ofSeconds(5));
        assertThat(first.isTrusted()).isTrue();

        assertThatThrownBy(() -> coordination.lock("start-up", Duration.ofMillis(300)))
                .isInstanceOf(CoordinationException.class)
                .hasMessage("the lock 'start-up' is held by another");
        var other = coordination.lock("something-else", Duration.ofSeconds(1));
        var second = CompletableFuture.supplyAsync(() -> coordination.lock("start-up", Duration.ofSeconds(20)));
        first.close();

        var held = second.get(20, TimeUnit.SECONDS);
        assertThat(held.fence()).isGreaterThan(first.fence());
        assertThat(first.isTrusted()).isFalse();
        held.close();
        held.close();
        other.close();
    }

    @Test
    void aDatabaseIsAcceptedAgainAndAgain() {
        var database = UUID.randomUUID();
        var coordination = open();

        coordination.requireDatabase(database);
        coordination.requireDatabase(database);

        assertThat(coordination.silence()).isLessThan(Duration.ofSeconds(10));
    }
}
