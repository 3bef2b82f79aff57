package dev.orrery.bus;

import dev.orrery.domain.NodeId;

/** One mailbox: its name on the wire, what may be sent to it, what comes back, and how far it reaches. */
public record Address<Q extends BusMessage, R extends BusMessage>(
        String name, Class<Q> request, Class<R> reply, Reach reach) {

    /** A mailbox of this process. */
    Address(String name, Class<Q> request, Class<R> reply) {
        this(name, request, reply, new Reach.Here());
    }

    /** Who is reached by an address. */
    public sealed interface Reach {

        /** Listeners of the same process. */
        record Here() implements Reach {}

        /** Listeners of all nodes. */
        record Everywhere() implements Reach {}

        /** Listeners of one node, which may be another. */
        record OneNode(NodeId node) implements Reach {}
    }
}
