package dev.orrery.executor;

import dev.orrery.domain.net.IpRange;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/** Asks the system, as every other program on the machine does. It may block, so it has a few threads of its own. */
final class SystemLookup implements AddressLookup {

    private static final int THREADS = 8;

    private final WorkerExecutor threads;

    SystemLookup(Vertx vertx) {
        this.threads = vertx.createSharedWorkerExecutor("orrery-lookup", THREADS);
    }

    @Override
    public Future<List<InetAddress>> addresses(String host) {
        if (IpRange.parse(host).filter(IpRange::isOne).isPresent()) {
            return Future.succeededFuture(List.of(InetAddress.ofLiteral(host)));
        }
        return threads.executeBlocking(() -> found(host), false);
    }

    private static List<InetAddress> found(String host) throws UnknownHostException {
        try {
            return List.of(InetAddress.getAllByName(host));
        } catch (IllegalArgumentException ambiguous) {
            // Such as 0177.1, which systems understand differently.
            throw new UnknownHostException(host);
        }
    }

    @Override
    public Future<Void> close() {
        return threads.close();
    }
}
