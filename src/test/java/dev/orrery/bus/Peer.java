package dev.orrery.bus;

import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.bus.PeerAddresses.PeerAddress;
import dev.orrery.config.BusConfig;
import dev.orrery.domain.NodeId;
import dev.orrery.testing.Await;
import dev.orrery.testing.Ports;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.Collection;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A node as far as its buses go: what is told on it, and what it hears. */
final class Peer implements AutoCloseable {

    static final UUID CLUSTER = new UUID(7, 7);

    private final NodeId id = new NodeId(UUID.randomUUID());
    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    private final Bus bus = Bus.on(vertx);
    private final Set<String> queues = ConcurrentHashMap.newKeySet();
    private final AtomicInteger told = new AtomicInteger();
    private final AtomicInteger signals = new AtomicInteger();
    private final AtomicLong least = new AtomicLong(Long.MAX_VALUE);
    private final PeerBus peers;

    private Peer(BusConfig config, UUID cluster, PeerAddresses known) {
        bus.listen(Addresses.WORK_READY, ready -> {
            signals.incrementAndGet();
            queues.addAll(ready.queues());
        });
        bus.listen(Addresses.RETRY_DUE, due -> least.accumulateAndGet(due.inMillis(), Math::min));
        try {
            peers = PeerBus.open(config, config.memberPort(), cluster, id, known, bus);
        } catch (RuntimeException e) {
            Await.await(vertx.close());
            throw e;
        }
    }

    /** Joins those who are known, among whom it may be itself. */
    static Peer open(BusConfig config, UUID cluster, Collection<PeerAddress> known) {
        return new Peer(config, cluster, () -> known);
    }

    static Peer open(BusConfig config, Collection<PeerAddress> known) {
        return open(config, CLUSTER, known);
    }

    /** Opens one on a free port and makes it known. */
    static Peer join(Collection<PeerAddress> known) {
        return join(plain(), known);
    }

    static Peer join(BusConfig config, Collection<PeerAddress> known) {
        known.add(address(config));
        return open(config, known);
    }

    static BusConfig plain() {
        return at("127.0.0.1", "127.0.0.1");
    }

    /** Free ports of a host. */
    static BusConfig at(String host, String shownHost) {
        return new BusConfig(host, Ports.free(host), Ports.free(host), shownHost, "", "", "");
    }

    static PeerAddress address(BusConfig config) {
        return new PeerAddress(config.reachableHost(), config.memberPort());
    }

    NodeId id() {
        return id;
    }

    Bus bus() {
        return bus;
    }

    PeerBus peers() {
        return peers;
    }

    void tell(String queue) {
        told.incrementAndGet();
        bus.publish(Addresses.WORK_READY, new WorkReady(Set.of(queue)));
    }

    void tellRetry(long inMillis) {
        bus.publish(Addresses.RETRY_DUE, new RetryDue(inMillis));
    }

    boolean heard(String queue) {
        return queues.contains(queue);
    }

    /** All names of queues it heard. */
    Set<String> heard() {
        return Set.copyOf(queues);
    }

    /** How often it told that work is ready. */
    int told() {
        return told.get();
    }

    /** How often it was told that work is ready. */
    int signals() {
        return signals.get();
    }

    long leastRetry() {
        return least.get();
    }

    @Override
    public void close() {
        peers.close();
        Await.await(vertx.close());
    }
}
