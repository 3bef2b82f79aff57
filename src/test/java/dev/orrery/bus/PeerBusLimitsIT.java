package dev.orrery.bus;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.bus.PeerAddresses.PeerAddress;
import dev.orrery.config.BusConfig;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import dev.orrery.testing.Certificates;
import dev.orrery.testing.Seeded;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.ReplyException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How soon and how little the bus between nodes tells, and what it does not let in. */
class PeerBusLimitsIT {

    private static final Duration SOON = Duration.ofMillis(100);

    private final List<PeerAddress> known = new CopyOnWriteArrayList<>();

    @TempDir
    private Path folder;

    private static void awaitMembers(int count, Peer... peers) {
        for (var peer : peers) {
            until(count + " nodes take part", () -> peer.peers().members() == count);
        }
    }

    /** Tells until it is heard: who joins is not known to all at once. */
    private static void awaitHears(Peer teller, Peer listener) {
        until("it is heard", () -> {
            teller.tell("first of " + teller.id());
            return listener.heard("first of " + teller.id());
        });
    }

    @Test
    void aSignalIsHeardOnceByAllNodesAndAtOnce() {
        try (var one = Peer.join(known);
                var two = Peer.join(known)) {
            var began = System.nanoTime();
            try (var three = Peer.join(known)) {
                assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(6));
                awaitMembers(3, one, two, three);
                awaitHears(one, two);
                awaitHears(one, three);
                until("it hears itself", () -> one.signals() == one.told());

                var told = System.nanoTime();
                one.tell("work");
                until("it is heard", () -> two.heard("work") && three.heard("work"));

                assertThat(Duration.ofNanos(System.nanoTime() - told)).isLessThan(SOON);
                awaitHears(two, one);
                var heard = one.signals();
                assertThat(heard - one.told()).as("its own came back").isLessThanOrEqualTo(two.told());
            }
        }
    }

    @Test
    void aFloodOfSignalsIsMergedAndNoneOfItIsLost() {
        try (var one = Peer.join(known);
                var two = Peer.join(known)) {
            awaitHears(one, two);
            var before = two.signals();

            for (var i = 0; i < 100_000; i++) {
                one.tell("queue-" + i % 50);
                one.tellRetry(100_000 - i);
            }

            var all = IntStream.range(0, 50).mapToObj(i -> "queue-" + i).collect(Collectors.toSet());
            until("all queues are told", () -> two.heard().containsAll(all));
            until("the nearest retry is told", () -> two.leastRetry() == 1);
            assertThat(two.signals() - before).isLessThan(2_000);
        }
    }

    @Test
    void aQuestionThatNobodyAnswersThereFailsAsOne() {
        try (var one = Peer.join(known);
                var two = Peer.join(known)) {
            awaitHears(one, two);

            assertThatThrownBy(() -> ask(one, two.id())).isInstanceOf(ReplyException.class);
        }
    }

    private static Released ask(Peer asking, NodeId node) {
        return await(
                asking.bus().request(Addresses.release(node), new ReleaseWork(5, Set.of("a")), Duration.ofSeconds(2)));
    }

    @Test
    void foreignBytesDoNoHarm() {
        var first = Peer.plain();
        try (var one = Peer.join(first, known);
                var two = Peer.join(known)) {
            awaitHears(one, two);
            awaitHears(two, one);

            Seeded.forAll(40, random -> {
                send(first.port(), random.nextInt(0, 5_000), random);
                send(first.memberPort(), random.nextInt(0, 5_000), random);
            });

            two.tell("after");
            until("it is heard", () -> one.heard("after"));
            assertThat(one.peers().members()).isEqualTo(2);
        }
    }

    private static void send(int port, int count, RandomGenerator random) {
        var bytes = new byte[count];
        random.nextBytes(bytes);
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream().write(bytes);
        } catch (IOException _) {
            // It may be thrown out at any time.
        }
    }

    @Test
    void messagesThatAreNotUnderstoodAreCountedAndDropped() {
        try (var one = Peer.join(known);
                var two = Peer.join(known)) {
            awaitHears(one, two);

            for (var text :
                    List.of("", "{}", "[]", "{\"type\":\"WorkReady\"}", "{\"type\":\"Released\",\"count\":3}")) {
                one.peers().vertx().eventBus().publish(PeerBus.SIGNALS, Buffer.buffer(text));
            }

            until("all are counted", () -> two.peers().ignored() == 5);
            awaitHears(one, two);
        }
    }

    @Test
    void objectsOfJavaDoNotTravel() {
        try (var one = Peer.join(known)) {
            assertThatThrownBy(() -> one.peers().vertx().eventBus().publish(PeerBus.SIGNALS, BigInteger.TEN))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void withCertificatesOnlyThoseOfTheSameAuthorityAreHeard() {
        var ours = new Certificates(folder, "ours");
        var foreign = new Certificates(folder, "foreign");
        try (var one = Peer.join(encrypted(ours, "one"), known);
                var two = Peer.join(encrypted(ours, "two"), known)) {
            awaitHears(one, two);
            awaitHears(two, one);
            try (var stranger = Peer.join(encrypted(foreign, "stranger"), known);
                    var bare = Peer.join(known)) {
                awaitMembers(4, one, two, stranger, bare);

                stranger.tell("from a stranger");
                bare.tell("from one without");
                one.tell("ours");
                until("it is heard", () -> two.heard("ours"));
                until(
                        "it is told",
                        () -> stranger.peers().sent() == 1 && bare.peers().sent() == 1);

                awaitHears(two, one);
                assertThat(one.heard()).doesNotContain("from a stranger", "from one without");
                assertThat(stranger.heard()).doesNotContain("ours");
                assertThat(bare.heard()).doesNotContain("ours");
            }
        }
    }

    private static BusConfig encrypted(Certificates authority, String subject) {
        return with(authority.authority(), authority.sign(subject, "IP:127.0.0.1"));
    }

    private static BusConfig with(Path authority, Certificates.Pair own) {
        var plain = Peer.plain();
        return new BusConfig(
                plain.host(),
                plain.port(),
                plain.memberPort(),
                "",
                authority.toString(),
                own.certificate().toString(),
                own.key().toString());
    }

    @Test
    void filesThatDoNotFitAreToldAtStart() {
        var ours = new Certificates(folder, "ours");
        var foreign = new Certificates(folder, "foreign");
        var one = ours.sign("one", "IP:127.0.0.1");
        var two = ours.sign("two", "IP:127.0.0.1");
        var missing = folder.resolve("missing.pem");
        var empty = write("empty.pem", "");
        var text = write("text.pem", "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n");

        assertRefused(with(missing, one), "bus.ca-file", missing.toString());
        assertRefused(with(empty, one), "bus.ca-file", empty.toString());
        assertRefused(with(text, one), "bus.ca-file", text.toString());
        assertRefused(with(ours.authority(), new Certificates.Pair(missing, one.key())), "bus.cert-file");
        assertRefused(with(ours.authority(), new Certificates.Pair(one.certificate(), missing)), "bus.key-file");
        assertRefused(with(ours.authority(), new Certificates.Pair(one.certificate(), text)), "bus.key-file");
        assertRefused(
                with(ours.authority(), new Certificates.Pair(one.certificate(), two.key())),
                "bus.key-file",
                "bus.cert-file");
        assertRefused(with(foreign.authority(), one), "bus.cert-file", "bus.ca-file");
    }

    private Path write(String name, String text) {
        try {
            return Files.writeString(folder.resolve(name), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aPortInUseIsToldAtStart() throws IOException {
        try (var taken = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            var free = Peer.plain();

            assertRefused(
                    new BusConfig("127.0.0.1", taken.getLocalPort(), free.memberPort(), "", "", "", ""),
                    "bus.port",
                    "bus.member-port");
            assertRefused(
                    new BusConfig("127.0.0.1", free.port(), taken.getLocalPort(), "", "", "", ""),
                    "bus.port",
                    "bus.member-port");
        }
    }

    @Test
    void aPublicAddressIsRefused() {
        assertRefused(new BusConfig("0.0.0.0", 0, 7, "", "", "", ""), "bus.host '0.0.0.0' is every address");
    }

    private void assertRefused(BusConfig config, String... parts) {
        assertThatThrownBy(() -> Peer.join(config, known).close())
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll(parts)
                .message()
                .doesNotContain("\n");
    }
}
