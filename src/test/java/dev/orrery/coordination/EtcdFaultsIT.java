package dev.orrery.coordination;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.config.EtcdConfig;
import dev.orrery.coordination.Coordination.Mark;
import dev.orrery.coordination.CoordinationContract.Standing;
import dev.orrery.testing.Etcd;
import dev.orrery.testing.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What nodes do when they, their etcd, or the way between them fails in the ways that look like nothing at all. */
class EtcdFaultsIT {

    private static final AtomicInteger PREFIXES = new AtomicInteger();
    private static Etcd etcd;

    private final String prefix = "/faults/test" + PREFIXES.incrementAndGet();

    @TempDir
    private Path folder;

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

    private EtcdConfig config() {
        return config(etcd.endpoints(), prefix);
    }

    private static String url(Proxy proxy) {
        return "http://127.0.0.1:" + proxy.port();
    }

    @Test
    void aLeaderThatWasFrozenTrustsItselfNeverAgainFromTheMomentAnotherLeads() throws Exception {
        try (var other = EtcdCoordination.connect(config());
                var process = CandidateProcess.start(folder, etcd.member(1).url(), prefix)) {
            var self = CoordinationContract.member("other");
            other.join(self);
            until("the process leads", () -> process.trustedAt() > 0);
            var standing = new Standing();
            other.campaign(standing);

            process.freeze();
            until("the other leads", standing::leads);
            var leadsSince = System.nanoTime();
            until("the frozen one is no member", () -> other.members().equals(List.of(self)));
            process.thaw();

            until("it was told that it had lost", () -> process.losses() == 1);
            until("it is a member again", () -> other.members().size() == 2);
            assertThat(process.trustedAt()).isPositive().isLessThan(leadsSince);
            assertThat(standing.losses()).isZero();

            other.resign();
            until("it leads again", () -> process.trustedAt() > leadsSince);
        }
    }

    @Test
    void aLeaderWhoseKeyIsGoneThoughItsLeaseLivesGivesTheLeadershipUp() {
        try (var one = EtcdCoordination.connect(config());
                var operator = new EtcdClient(config())) {
            one.join(CoordinationContract.member("one"));
            var standing = new Standing();
            one.campaign(standing);
            until("it leads", standing::leads);

            operator.delete("leader");

            until("it was told", () -> standing.losses() == 1);
            until("it leads again, by a key of its own", standing::leads);
            assertThat(operator.get("leader")).isPresent();
        }
    }

    @Test
    void aNodeWhoseKeyIsGoneThoughItsLeaseLivesRegistersAgain() {
        try (var one = EtcdCoordination.connect(config());
                var operator = new EtcdClient(config())) {
            var self = CoordinationContract.member("one");
            one.join(self);

            operator.delete("members/" + self.node());

            until(
                    "it is there again",
                    () -> operator.get("members/" + self.node()).isPresent());
        }
    }

    @Test
    void aKeyThatIsNotOursToUnderstandHarmsNobody() {
        try (var one = EtcdCoordination.connect(config());
                var operator = new EtcdClient(config())) {
            var lease = operator.grant(Duration.ofMinutes(1));
            operator.put("members/other", "{\"node\": 1}", lease);
            operator.put("members/another", "nonsense", lease);
            operator.put("leader", "nobody", lease);
            var self = CoordinationContract.member("one");

            one.join(self);

            assertThat(one.members()).containsExactly(self);
            assertThat(one.leader()).isEmpty();
        }
    }

    @Test
    void aLockIsNotTrustedOnceItsKeyIsGoneAndIsNotTakenFromTheNextHolder() {
        try (var one = EtcdCoordination.connect(config());
                var operator = new EtcdClient(config())) {
            var first = one.lock("start-up", Duration.ofSeconds(5));

            operator.delete("locks/start-up");
            until("it is not trusted", () -> !first.isTrusted());
            var second = one.lock("start-up", Duration.ofSeconds(5));
            first.close();

            assertThat(second.fence()).isGreaterThan(first.fence());
            assertThat(operator.get("locks/start-up")).isPresent();
            assertThat(second.isTrusted()).isTrue();
        }
    }

    @Test
    void aLockWhoseHolderIsCutOffPassesToAnotherAndIsTrustedOnOneSideOnly() throws Exception {
        try (var proxy = new Proxy("127.0.0.1", etcd.member(1).port());
                var one = EtcdCoordination.connect(config(List.of(url(proxy)), prefix));
                var two = EtcdCoordination.connect(config())) {
            var first = one.lock("start-up", Duration.ofSeconds(5));
            proxy.blackHole();

            try (var second = two.lock("start-up", Duration.ofSeconds(30))) {
                assertThat(first.isTrusted()).isFalse();
                assertThat(second.isTrusted()).isTrue();
                assertThat(second.fence()).isGreaterThan(first.fence());
            }
            proxy.pass();
        }
    }

    @Test
    void aLockThatCannotBeAskedForSaysSo() throws Exception {
        try (var proxy = new Proxy("127.0.0.1", etcd.member(1).port());
                var one = EtcdCoordination.connect(config(List.of(url(proxy)), prefix))) {
            proxy.cut();

            org.assertj.core.api.Assertions.assertThatThrownBy(() -> one.lock("start-up", Duration.ofMillis(500)))
                    .isInstanceOf(CoordinationException.class)
                    .hasMessageStartingWith("the lock 'start-up' cannot be had: no etcd answers (" + url(proxy));
            proxy.pass();
        }
    }

    @Test
    void locksGoWithTheNodeThatCloses() {
        try (var two = EtcdCoordination.connect(config())) {
            try (var one = EtcdCoordination.connect(config())) {
                assertThat(one.lock("start-up", Duration.ofSeconds(5)).isTrusted())
                        .isTrue();
            }

            try (var second = two.lock("start-up", Duration.ofSeconds(1))) {
                assertThat(second.isTrusted()).isTrue();
            }
        }
    }

    @Test
    void aMemberOfEtcdThatFreezesCostsNobodyTheLeadership() {
        try (var three = Etcd.start(3);
                var one = EtcdCoordination.connect(config(three.endpoints(), prefix))) {
            var self = CoordinationContract.member("one");
            one.join(self);
            var standing = new Standing();
            one.campaign(standing);
            until("it leads", standing::leads);
            var leader = three.leader();

            for (var member : three.members()) {
                if (!member.equals(leader)) {
                    three.freeze(member);
                    var frozen = System.nanoTime();
                    until("it leads all the while", () -> {
                        assertThat(standing.leads()).isTrue();
                        assertThat(one.readMark(self.node())).isEqualTo(Mark.NONE);
                        return System.nanoTime() - frozen
                                > Duration.ofSeconds(6).toNanos();
                    });
                    three.thaw(member);
                }
            }

            assertThat(standing.elections()).isEqualTo(1);
        }
    }

    @Test
    void whenAllDataIsLostTheIdOfTheDatabaseComesBackWithTheNode() {
        var database = UUID.randomUUID();
        try (var own = Etcd.start(1);
                var one = EtcdCoordination.connect(config(own.endpoints(), prefix))) {
            one.requireDatabase(database);
            one.join(CoordinationContract.member("one"));

            own.loseAllData();

            try (var reader = new EtcdClient(config(own.endpoints(), prefix))) {
                until(
                        "it is there",
                        () -> database.toString()
                                .equals(reader.get("database")
                                        .map(EtcdClient.Entry::value)
                                        .orElse("")));
            }
        }
    }

    @Test
    void anEtcdThatIsBackAfterALongOutageIsFoundWithinSeconds() {
        try (var own = Etcd.start(1);
                var one = EtcdCoordination.connect(config(own.endpoints(), prefix))) {
            var self = CoordinationContract.member("one");
            one.join(self);
            own.kill();
            until("it is away for long", () -> one.silence().compareTo(Duration.ofSeconds(20)) > 0);

            own.startAgain();
            var back = System.nanoTime();
            until("it answers", () -> one.readMark(self.node()) == Mark.NONE);

            assertThat(Duration.ofNanos(System.nanoTime() - back)).isLessThan(Duration.ofSeconds(3));
            until("it is a member", () -> one.members().equals(List.of(self)));
        }
    }

    @Test
    void aNodeLeavesSoonThoughEtcdIsSilentAndNothingOfItIsLeft() throws Exception {
        var before = threads();
        try (var proxy = new Proxy("127.0.0.1", etcd.member(1).port())) {
            var one = EtcdCoordination.connect(config(List.of(url(proxy)), prefix));
            one.join(CoordinationContract.member("one"));
            var standing = new Standing();
            one.campaign(standing);
            until("it leads", standing::leads);
            assertThat(one.lock("start-up", Duration.ofSeconds(5)).isTrusted()).isTrue();
            proxy.blackHole();

            var began = System.nanoTime();
            one.close();

            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(8));
            assertThat(standing.losses()).isEqualTo(1);
            until("its threads have ended", () -> before.containsAll(threads()));
        }
    }

    /** Those of the coordination, and of the libraries below it. */
    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.matches("(orrery|etcd|jetcd|grpc|vert\\.x|netty|Failsafe|ForkJoin).*"))
                .toList();
    }
}
