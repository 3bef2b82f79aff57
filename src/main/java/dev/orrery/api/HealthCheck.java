package dev.orrery.api;

import io.vertx.core.Future;
import java.util.function.Supplier;

/**
 * Something a node needs to be of use, such as its database.
 *
 * @param name how {@code /health/ready} calls it
 * @param required whether a node without it is not ready; else it is shown, and the node stays ready
 * @param check succeeds while all is well; the message of a failure is shown to anybody
 */
public record HealthCheck(String name, boolean required, Supplier<Future<Void>> check) {

    /** Something without which the node is not ready. */
    public HealthCheck(String name, Supplier<Future<Void>> check) {
        this(name, true, check);
    }

    /** Something that the node can do without for a while. */
    public static HealthCheck helpful(String name, Supplier<Future<Void>> check) {
        return new HealthCheck(name, false, check);
    }
}
