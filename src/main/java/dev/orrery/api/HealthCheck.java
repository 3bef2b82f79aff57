package dev.orrery.api;

import io.vertx.core.Future;
import java.util.function.Supplier;

/**
 * Something a node needs to be of use, such as its database.
 *
 * @param name how {@code /health/ready} calls it
 * @param check succeeds while all is well; the message of a failure is shown to anybody
 */
public record HealthCheck(String name, Supplier<Future<Void>> check) {}
