package dev.orrery.executor;

import io.vertx.core.Future;
import java.net.InetAddress;
import java.util.List;

/** Finds the addresses of a host. */
interface AddressLookup {

    /** At least one, in the order in which they are to be tried; fails with an UnknownHostException where there is none. */
    Future<List<InetAddress>> addresses(String host);

    default Future<Void> close() {
        return Future.succeededFuture();
    }
}
