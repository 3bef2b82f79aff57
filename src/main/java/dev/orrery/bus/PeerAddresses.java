package dev.orrery.bus;

import java.util.Collection;

/** Where the nodes of the cluster are now, as far as is known; asked again and again, and must not block. */
@FunctionalInterface
public interface PeerAddresses {

    Collection<PeerAddress> now();

    /** Where one node's part of the bus takes part in the protocol of members. */
    record PeerAddress(String host, int memberPort) {}
}
