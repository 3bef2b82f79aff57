package dev.orrery.node;

import dev.orrery.domain.NodeId;
import dev.orrery.store.NodeRepository.AliveNode;
import io.vertx.core.Future;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Whether the nodes that work on the same database answer on the event bus. Each is asked from time to time, some at once; one
 * that left several questions in a row without an answer is told of. From any thread.
 */
final class PeerReach {

    static final Duration EVERY = Duration.ofSeconds(5);

    /** A node is registered a moment before it joins the bus, and a dead one for a moment after its end. */
    static final int MISSED_MOST = 3;

    static final int AT_ONCE = 20;
    private static final int NAMED = 5;

    private final NodeId self;
    private final Supplier<? extends Collection<AliveNode>> alive;
    private final Function<NodeId, ? extends Future<?>> ask;

    // Guarded by the monitor.
    private final Map<NodeId, Integer> missed = new HashMap<>();
    private int next;

    /**
     * @param alive the nodes by the last heartbeat
     * @param ask puts a question to one; fails within a limit
     */
    PeerReach(NodeId self, Supplier<? extends Collection<AliveNode>> alive, Function<NodeId, ? extends Future<?>> ask) {
        this.self = self;
        this.alive = alive;
        this.ask = ask;
    }

    /** Asks some of them. */
    void look() {
        for (var peer : turn()) {
            ask.apply(peer).onComplete(answer -> told(peer, answer.succeeded() || isThere(answer.cause())));
        }
    }

    private synchronized List<NodeId> turn() {
        var peers = peers().stream().map(AliveNode::id).toList();
        missed.keySet().retainAll(peers);
        if (peers.size() <= AT_ONCE) {
            return peers;
        }
        next = next % peers.size();
        var some = Stream.concat(peers.stream(), peers.stream())
                .skip(next)
                .limit(AT_ONCE)
                .toList();
        next += AT_ONCE;
        return some;
    }

    private List<AliveNode> peers() {
        return alive.get().stream().filter(node -> !node.id().equals(self)).toList();
    }

    /** One that refuses has heard the question. */
    private static boolean isThere(Throwable error) {
        return error instanceof ReplyException reply && reply.failureType() == ReplyFailure.RECIPIENT_FAILURE;
    }

    private synchronized void told(NodeId peer, boolean isThere) {
        if (isThere) {
            missed.remove(peer);
        } else {
            missed.merge(peer, 1, Integer::sum);
        }
    }

    /** What is wrong and what helps; empty where all that are alive answer. */
    synchronized Optional<String> complaint() {
        var silent = peers().stream()
                .filter(node -> missed.getOrDefault(node.id(), 0) >= MISSED_MOST)
                .toList();
        if (silent.isEmpty()) {
            return Optional.empty();
        }
        var names = silent.stream()
                .limit(NAMED)
                .map(node -> node.name() + (node.httpAddress().isEmpty() ? "" : " at " + node.httpAddress()) + " (node "
                        + node.id() + ")")
                .collect(Collectors.joining(", "));
        var more = silent.size() > NAMED ? " and " + (silent.size() - NAMED) + " more" : "";
        return Optional.of("no answer over the event bus from " + names + more
                + ", alive by their heartbeats: tasks go on, but hear of each other late, no work is shared and no handler"
                + " called there; see that bus.host of both is reached from the other at bus.port and bus.member-port (a"
                + " firewall, the certificates), and their logs");
    }
}
