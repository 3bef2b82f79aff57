package dev.orrery.api;

import io.vertx.core.Future;
import java.util.function.Supplier;

/**
 * A part of a node that is looked at when someone asks how the node is.
 *
 * @param name how {@code /health} calls it
 * @param required whether a node where the look fails is not ready; else it is shown, and the node stays ready
 * @param look tells how the part is; the message of a failure is shown to anybody
 */
public record HealthCheck(String name, boolean required, Supplier<Future<Health>> look) {

    /** Something without which the node is not ready: well while the check succeeds. */
    public HealthCheck(String name, Supplier<Future<Void>> check) {
        this(name, true, () -> check.get().map(_ -> Health.up()));
    }

    /** Something that the node can do without for a while: well while the check succeeds. */
    public static HealthCheck helpful(String name, Supplier<Future<Void>> check) {
        return new HealthCheck(name, false, () -> check.get().map(_ -> Health.up()));
    }

    /** Something that is known without asking anybody. */
    public static HealthCheck known(String name, Supplier<Health> look) {
        return new HealthCheck(name, true, () -> Future.succeededFuture(look.get()));
    }
}
