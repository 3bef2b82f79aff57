package dev.orrery.bus;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.PeerAddresses.PeerAddress;
import dev.orrery.testing.Proxy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Nodes that are killed, frozen or cut off: the others go on as if nothing were, and whoever comes back is heard again. */
class PeerBusFaultsIT {

    /** Where members show themselves; behind each stands a link of the test's own. */
    private static final String SHOWN = "127.0.0.2";

    private static final Duration AT_ONCE = Duration.ofMillis(250);
    private static final Duration DROPPED = Duration.ofSeconds(12);
    private static final Duration MERGED = Duration.ofSeconds(60);

    private final List<PeerAddress> known = new CopyOnWriteArrayList<>();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void closeAll() throws Exception {
        for (var one : opened.reversed()) {
            one.close();
        }
    }

    private <T extends AutoCloseable> T open(T closeable) {
        opened.add(closeable);
        return closeable;
    }

    private Peer join() {
        return open(Peer.join(known));
    }

    private static void awaitHears(Peer teller, Peer listener, String word) {
        until("it is heard", MERGED, () -> {
            teller.tell(word);
            return listener.heard(word);
        });
    }

    private static void awaitHears(Peer teller, PeerProcess listener, String word) {
        until("it is heard", MERGED, () -> {
            teller.tell(word);
            return listener.heard(word);
        });
    }

    private static void awaitHears(PeerProcess teller, Peer listener, String word) {
        until("it is heard", MERGED, () -> {
            teller.tell(word);
            return listener.heard(word);
        });
    }

    private static Duration untilHeard(Peer teller, Peer listener, String word) {
        var told = System.nanoTime();
        teller.tell(word);
        until("it is heard", () -> listener.heard(word));
        return Duration.ofNanos(System.nanoTime() - told);
    }

    @Test
    void aKilledNodeIsDroppedAndTheOthersHearEachOtherMeanwhile() {
        var one = join();
        var two = join();
        var third = open(PeerProcess.start(known));
        awaitHears(one, third, "begin");
        awaitHears(one, two, "begin");

        third.kill();

        assertThat(untilHeard(one, two, "after the kill")).isLessThan(AT_ONCE);
        until(
                "it is dropped",
                DROPPED,
                () -> one.peers().members() == 2 && two.peers().members() == 2);
        assertThat(untilHeard(two, one, "after the drop")).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void aFrozenNodeHoldsNobodyUpTakesNoMemoryAndIsHeardAgainWhenItWakes() {
        var one = join();
        var two = join();
        var third = open(PeerProcess.start(known));
        awaitHears(one, third, "begin");
        awaitHears(one, two, "begin");
        var before = usedBytes();

        third.freeze();
        var slowest = Duration.ZERO;
        var dropped = System.nanoTime() + DROPPED.toNanos();
        for (var round = 0; one.peers().members() == 3; round++) {
            var began = System.nanoTime();
            IntStream.range(0, 1_000).forEach(i -> one.tell("a-queue-with-a-long-name-" + i % 100));
            var took = Duration.ofNanos(System.nanoTime() - began);
            slowest = took.compareTo(slowest) > 0 ? took : slowest;
            assertThat(System.nanoTime()).as("it is dropped in time").isLessThan(dropped);
            if (round % 20 == 0) {
                untilHeard(one, two, "round " + round);
            }
        }

        assertThat(slowest).as("1,000 calls").isLessThan(Duration.ofSeconds(1));
        assertThat(usedBytes() - before).as("bytes kept").isLessThan(64 << 20);
        third.thaw();
        awaitHears(one, third, "awake");
        awaitHears(third, one, "and speaking");
    }

    private static long usedBytes() {
        var runtime = Runtime.getRuntime();
        System.gc();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    @Test
    void nodesThatAreCutOffFromEachOtherFindEachOtherAgain() throws IOException {
        var first = Peer.at("127.0.0.1", SHOWN);
        var second = Peer.at("127.0.0.1", SHOWN);
        var links = new ArrayList<Proxy>();
        for (var config : List.of(first, second)) {
            links.add(link(config.port()));
            links.add(link(config.memberPort()));
        }
        var one = open(Peer.join(first, known));
        var two = open(Peer.join(second, known));
        awaitHears(one, two, "begin");
        awaitHears(two, one, "begin");

        links.forEach(Proxy::cut);
        one.tell("while cut off");
        until(
                "each is alone",
                DROPPED,
                () -> one.peers().members() == 1 && two.peers().members() == 1);
        links.forEach(Proxy::pass);

        awaitHears(one, two, "again");
        awaitHears(two, one, "again");
        assertThat(two.heard("while cut off")).isFalse();
    }

    @Test
    void nodesBetweenWhichNothingComesThroughFindEachOtherAgain() throws IOException {
        var first = Peer.at("127.0.0.1", SHOWN);
        var second = Peer.at("127.0.0.1", SHOWN);
        var links = new ArrayList<Proxy>();
        for (var config : List.of(first, second)) {
            links.add(link(config.port()));
            links.add(link(config.memberPort()));
        }
        var one = open(Peer.join(first, known));
        var two = open(Peer.join(second, known));
        awaitHears(one, two, "begin");
        awaitHears(two, one, "begin");

        links.forEach(Proxy::blackHole);
        until("each is alone", DROPPED.multipliedBy(2), () -> {
            one.tell("into nothing");
            return one.peers().members() == 1 && two.peers().members() == 1;
        });
        links.forEach(Proxy::pass);

        awaitHears(one, two, "again");
        awaitHears(two, one, "again");
    }

    /** From where a member shows itself to where it listens. */
    private Proxy link(int port) throws IOException {
        var proxy = open(Proxy.withoutDoor("127.0.0.1", port));
        var door = open(new ServerSocket());
        door.bind(new InetSocketAddress(InetAddress.getByName(SHOWN), port));
        Thread.startVirtualThread(() -> {
            while (!door.isClosed()) {
                try {
                    proxy.admit(door.accept());
                } catch (IOException _) {
                    // The end.
                }
            }
        });
        return proxy;
    }
}
