package dev.orrery.coordination;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.config.EtcdConfig;
import dev.orrery.coordination.Coordination.Mark;
import dev.orrery.domain.StartupException;
import dev.orrery.testing.Etcd;
import dev.orrery.testing.Ports;
import dev.orrery.testing.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** On a real etcd, and with several nodes. */
class EtcdCoordinationIT extends CoordinationContract {

    private static final AtomicInteger PREFIXES = new AtomicInteger();
    private static Etcd etcd;

    /** Each test has keys of its own. */
    private final String prefix = "/orrery/test" + PREFIXES.incrementAndGet();

    @BeforeAll
    static void start() {
        etcd = Etcd.start(1);
    }

    @AfterAll
    static void stop() {
        etcd.close();
    }

    private static EtcdConfig config(List<String> endpoints, String prefix) {
        return new EtcdConfig(endpoints, prefix, "", "", Duration.ofSeconds(2), Duration.ofSeconds(8), "", "", "");
    }

    @Override
    Coordination connect() {
        return EtcdCoordination.connect(config(etcd.endpoints(), prefix));
    }

    @Test
    void nodesSeeEachOtherComeAndGo() {
        var one = open();
        var two = open();
        var first = member("one");
        var second = member("two");

        one.join(first);
        two.join(second);

        until("one sees both", () -> one.members().size() == 2);
        assertThat(two.members()).containsExactlyInAnyOrder(first, second);
        assertThat(one.place()).isEqualTo(two.place()).startsWith("etcd ").endsWith(" " + prefix);

        two.close();
        until("one is alone", () -> one.members().equals(List.of(first)));
    }

    @Test
    void ofTwoCandidatesOneLeadsAndHandsOverWithinASecond() {
        var one = open();
        var two = open();
        one.join(member("one"));
        var second = member("two");
        two.join(second);
        var first = new Standing();
        var next = new Standing();
        one.campaign(first);
        until("the first leads", first::leads);
        two.campaign(next);
        assertThat(next.leads()).isFalse();

        var began = System.nanoTime();
        one.resign();
        until("the second leads", next::leads);

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(1));
        assertThat(first.leads()).isFalse();
        until("all see it", () -> one.leader().equals(Optional.of(second.node())));
    }

    @Test
    void aMarkIsSeenByItsNodeAndCanBeTakenBack() {
        var one = open();
        var two = open();
        var node = member("two").node();

        assertThat(one.mark(node)).isTrue();
        assertThat(two.readMark(node)).isEqualTo(Mark.MARKED);
        one.unmark(node);

        assertThat(two.readMark(node)).isEqualTo(Mark.NONE);
    }

    @Test
    void anotherDatabaseUnderTheSameKeysIsRefusedAndBothAreNamed() {
        var database = UUID.randomUUID();
        var other = UUID.randomUUID();
        open().requireDatabase(database);

        assertThatThrownBy(() -> open().requireDatabase(other))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll(database.toString(), other.toString(), "etcd.prefix", "database.url");
    }

    @Test
    void theLeadersConnectionIsCutAndNoTwoAreTrustedAtOnce() throws Exception {
        try (var proxy = new Proxy("127.0.0.1", etcd.member(1).port())) {
            var one = EtcdCoordination.connect(config(List.of("http://127.0.0.1:" + proxy.port()), prefix));
            var two = open();
            try {
                one.join(member("one"));
                two.join(member("two"));
                var first = new Standing();
                var next = new Standing();
                one.campaign(first);
                until("the first leads", first::leads);
                two.campaign(next);

                proxy.blackHole();
                var began = System.nanoTime();
                until("another leads", () -> {
                    assertThat(first.leads() && next.leads()).isFalse();
                    return next.leads();
                });

                assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(10));
                until("the first was told", () -> first.losses() == 1);
                assertThat(one.readMark(member("x").node())).isEqualTo(Mark.UNKNOWN);
                assertThat(one.mark(member("x").node())).isFalse();
                until("it is no member any more", () -> two.members().size() == 1);

                proxy.pass();
                until(
                        "it is one again",
                        Duration.ofSeconds(60),
                        () -> two.members().size() == 2);
                assertThat(next.leads()).isTrue();
            } finally {
                one.close();
            }
        }
    }

    @Test
    void anEtcdThatRestartsLosesNobody() {
        try (var own = Etcd.start(1)) {
            var one = EtcdCoordination.connect(config(own.endpoints(), prefix));
            try {
                one.join(member("one"));
                var standing = new Standing();
                one.campaign(standing);
                until("it leads", standing::leads);

                own.kill();
                until("it leads no more", () -> !standing.leads());
                own.startAgain();

                until("it leads again", Duration.ofSeconds(60), standing::leads);
                until("it is a member", () -> one.members().size() == 1);
            } finally {
                one.close();
            }
        }
    }

    @Test
    void anEtcdThatLosesAllItsDataIsToldAgain() {
        try (var own = Etcd.start(1)) {
            var one = EtcdCoordination.connect(config(own.endpoints(), prefix));
            try {
                var self = member("one");
                one.join(self);
                one.takeWork();
                var standing = new Standing();
                one.campaign(standing);
                until("it leads", standing::leads);

                own.loseAllData();

                until("it leads again", Duration.ofSeconds(60), () -> standing.elections() > 1 && standing.leads());
                try (var reader = new EtcdClient(config(own.endpoints(), prefix))) {
                    until(
                            "it is registered",
                            () -> reader.get("members/" + self.node()).isPresent()
                                    && reader.get("workers/" + self.node()).isPresent());
                }
            } finally {
                one.close();
            }
        }
    }

    @Test
    void oneOfThreeMembersMayDieOrFreezeAndNobodyIsLost() {
        try (var three = Etcd.start(3)) {
            var one = EtcdCoordination.connect(config(three.endpoints(), prefix));
            var two = EtcdCoordination.connect(config(three.endpoints(), prefix));
            try {
                one.join(member("one"));
                two.join(member("two"));
                three.kill(three.member(1));
                until(
                        "both are there",
                        Duration.ofSeconds(30),
                        () -> two.members().size() == 2 && answers(two));
                three.startAgain();
                three.freeze(three.member(2));
                until(
                        "both are there",
                        Duration.ofSeconds(60),
                        () -> two.members().size() == 2 && answers(two));
                three.thaw(three.member(2));

                three.kill(three.member(1));
                three.kill(three.member(2));
                until("no majority, no answer", () -> one.readMark(member("x").node()) == Mark.UNKNOWN);
                three.startAgain();
                until(
                        "both are there again",
                        Duration.ofSeconds(60),
                        () -> two.members().size() == 2 && answers(one));
            } finally {
                one.close();
                two.close();
            }
        }
    }

    private static boolean answers(Coordination coordination) {
        return coordination.readMark(member("x").node()) == Mark.NONE;
    }

    @Test
    void aWrongPlaceIsToldInOneLineWithItsCure() {
        var free = Ports.free();
        var began = System.nanoTime();

        assertThatThrownBy(() -> EtcdCoordination.connect(config(List.of("http://127.0.0.1:" + free), prefix)))
                .isInstanceOf(StartupException.class)
                .hasMessage("no etcd answers (http://127.0.0.1:" + free
                        + ": Connection refused): start it, or correct etcd.endpoints");
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(14));
    }

    @Test
    void nothingIsLeftOfAClientThatWasClosed() {
        var coordination = EtcdCoordination.connect(config(etcd.endpoints(), prefix));
        coordination.join(member("one"));
        coordination.campaign(new Standing());

        coordination.close();

        until(
                "its threads have ended",
                () -> Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(thread -> thread.isAlive()
                                && (thread.getName().equals("orrery-registry")
                                        || thread.getName().equals("orrery-leader"))));
    }
}
