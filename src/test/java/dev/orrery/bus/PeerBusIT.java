package dev.orrery.bus;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.bus.PeerAddresses.PeerAddress;
import dev.orrery.config.BusConfig;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import dev.orrery.testing.Certificates;
import dev.orrery.testing.Ports;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes of a cluster on loopback, each with its own Vert.x. */
class PeerBusIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    @TempDir
    private Path folder;

    private final UUID cluster = UUID.randomUUID();
    private final List<PeerAddress> addresses = new CopyOnWriteArrayList<>();
    private final List<Peer> peers = new ArrayList<>();

    /** One node's part. */
    private final class Peer implements AutoCloseable {

        private final NodeId id = new NodeId(IDS.next(System.currentTimeMillis()));
        private final Vertx vertx = Vertx.vertx();
        private final Bus bus = Bus.on(vertx);
        private final Queue<BusMessage> heard = new ConcurrentLinkedQueue<>();
        private PeerBus peer;

        private Peer(BusConfig config) {
            peers.add(this);
            bus.listen(Addresses.WORK_READY, heard::add);
            bus.listen(Addresses.CANCELS_ASKED, heard::add);
            bus.listen(Addresses.HISTORY_GREW, heard::add);
            var port = Ports.free();
            addresses.add(new PeerAddress("127.0.0.1", port));
            peer = PeerBus.open(config, port, cluster, id, () -> addresses, bus);
        }

        @Override
        public void close() {
            if (peer != null) {
                peer.close();
            }
            await(vertx.close());
        }
    }

    @AfterEach
    void leave() {
        peers.forEach(Peer::close);
    }

    private Peer open() {
        return new Peer(BusConfig.DEFAULT);
    }

    @Test
    void aSignalIsHeardAtHomeAtOnceAndByAllOthersSoonAndNeverTwice() {
        var one = open();
        var two = open();
        var three = open();
        until("all are there", () -> peers.stream().allMatch(peer -> peer.peer.members() == 3));

        var told = new AtomicInteger();
        until("the others heard it", () -> {
            one.bus.publish(Addresses.WORK_READY, new WorkReady(Set.of("reports")));
            told.incrementAndGet();
            return two.heard.contains(new WorkReady(Set.of("reports")))
                    && three.heard.contains(new WorkReady(Set.of("reports")));
        });

        assertThat(one.heard).as("not again from the others").hasSizeLessThanOrEqualTo(told.get());
        assertThat(two.heard.size()).isLessThanOrEqualTo(told.get());
        until("all was heard at home", () -> one.heard.size() == told.get());
    }

    @Test
    void theHostMayBeGivenByName() {
        var one = new Peer(new BusConfig("localhost", 0, 0, "", "", "", ""));
        var two = open();

        until("both are there", () -> one.peer.members() == 2 && two.peer.members() == 2);
    }

    @Test
    void aFloodOfSignalsIsMergedAndHoldsNobodyUp() {
        var one = open();
        var two = open();
        until("both are there", () -> one.peer.members() == 2 && two.peer.members() == 2);

        var began = System.nanoTime();
        for (var n = 0; n < 100_000; n++) {
            one.peer.tell(new HistoryGrew());
        }
        var took = Duration.ofNanos(System.nanoTime() - began);
        one.bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked());
        until("all of it came", () -> two.heard.contains(new CancelsAsked()));

        // One for each ten milliseconds and a few at the ends, however slow the machine.
        assertThat(two.heard.size()).isLessThan(20 + (int) (took.toMillis() / 5));
    }

    @Test
    void aQuestionToAnotherNodeIsAnsweredByIt() {
        var one = open();
        var two = open();
        until("both are there", () -> one.peer.members() == 2);
        var asked = new AtomicInteger();
        two.bus.answer(Addresses.release(two.id), request -> {
            asked.set(request.most());
            return Future.succeededFuture(new Released(request.queues().size()));
        });

        var answer = await(one.bus.request(
                Addresses.release(two.id), new ReleaseWork(5, Set.of("a", "b")), Duration.ofSeconds(10)));

        assertThat(answer).isEqualTo(new Released(2));
        assertThat(asked).hasValue(5);
    }

    @Test
    void aQuestionToANodeThatIsNotThereFailsInTime() {
        var one = open();
        var nobody = new NodeId(IDS.next(System.currentTimeMillis()));

        assertThatThrownBy(() -> await(one.bus.request(
                        Addresses.release(nobody), new ReleaseWork(1, Set.of()), Duration.ofSeconds(1))))
                .isInstanceOf(io.vertx.core.eventbus.ReplyException.class);
    }

    @Test
    void whoLeavesIsDroppedAndWhoComesIsHeard() {
        var one = open();
        var two = open();
        until("both are there", () -> one.peer.members() == 2);

        two.peer.close();
        until("one is alone", () -> one.peer.members() == 1);
        one.bus.publish(Addresses.HISTORY_GREW, new HistoryGrew());
        var three = open();
        until("the new one is there", () -> one.peer.members() == 2 && three.peer.members() == 2);
        until("it hears", () -> {
            one.bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked());
            return three.heard.contains(new CancelsAsked());
        });
    }

    @Test
    void foreignBytesOnItsPortDoNoHarm() throws IOException {
        var one = open();
        var two = open();
        until("both are there", () -> one.peer.members() == 2);
        for (var address : addresses) {
            try (var socket = new Socket(address.host(), address.memberPort())) {
                socket.getOutputStream()
                        .write("GET / HTTP/1.1\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                socket.getOutputStream().write(new byte[100_000]);
            } catch (IOException e) {
                assertThat(e).as("it may close on us").isNotNull();
            }
        }

        until("it goes on", () -> {
            one.bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked());
            return two.heard.contains(new CancelsAsked());
        });
    }

    @Test
    void messagesAreEncryptedAmongThoseWithACertificateOfTheSameAuthority() throws IOException {
        var ours = new Certificates(folder, "ours");
        var foreign = new Certificates(folder, "foreign");
        var one = new Peer(encrypted(ours, ours.authority(), "one"));
        var two = new Peer(encrypted(ours, ours.authority(), "two"));
        until("both are there", () -> one.peer.members() == 2);
        until("two hears", () -> {
            one.bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked());
            return two.heard.contains(new CancelsAsked());
        });

        // It would accept ours, and its own.
        var both = Files.writeString(
                folder.resolve("both.pem"), Files.readString(ours.authority()) + Files.readString(foreign.authority()));
        var stranger = new Peer(encrypted(foreign, both, "stranger"));
        until("the stranger is a member", () -> one.peer.members() == 3);
        stranger.bus.publish(Addresses.WORK_READY, new WorkReady(Set.of("stranger")));
        until("two hears on", () -> {
            one.bus.publish(Addresses.HISTORY_GREW, new HistoryGrew());
            return two.heard.contains(new HistoryGrew());
        });

        assertThat(two.heard).doesNotContain(new WorkReady(Set.of("stranger")));
        assertThat(one.heard).doesNotContain(new WorkReady(Set.of("stranger")));
    }

    private static BusConfig encrypted(Certificates own, Path trusted, String name) {
        var pair = own.sign(name, "IP:127.0.0.1");
        return new BusConfig(
                "127.0.0.1",
                0,
                0,
                "",
                trusted.toString(),
                pair.certificate().toString(),
                pair.key().toString());
    }

    @Test
    void aPortThatIsTakenIsToldWithItsCure() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var id = new NodeId(IDS.next(System.currentTimeMillis()));
            var vertx = Vertx.vertx();
            try {
                assertThatThrownBy(() -> PeerBus.open(
                                BusConfig.DEFAULT, taken.getLocalPort(), cluster, id, List::of, Bus.on(vertx)))
                        .isInstanceOf(StartupException.class)
                        .hasMessageContaining("correct bus.host, bus.port and bus.member-port")
                        .message()
                        .doesNotContain("\n");
            } finally {
                await(vertx.close());
            }
        }
    }

    @Test
    void nodesOfAnotherClusterAreNotJoined() {
        var one = open();
        var vertx = Vertx.vertx();
        var port = Ports.free();
        addresses.add(new PeerAddress("127.0.0.1", port));
        var other = PeerBus.open(
                BusConfig.DEFAULT,
                port,
                UUID.randomUUID(),
                new NodeId(IDS.next(System.currentTimeMillis())),
                () -> addresses,
                Bus.on(vertx));
        try {
            assertThat(one.peer.members()).isEqualTo(1);
            assertThat(other.members()).isEqualTo(1);
        } finally {
            other.close();
            await(vertx.close());
        }
    }
}
