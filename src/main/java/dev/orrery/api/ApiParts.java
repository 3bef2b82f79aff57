package dev.orrery.api;

import dev.orrery.config.HttpConfig;
import dev.orrery.domain.Tenant;
import dev.orrery.service.TaskAccess;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Tracing;
import io.vertx.core.Future;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What the event loops that serve have in common.
 *
 * @param operations by the contract's operationId
 * @param tenants finds the tenant of a name
 * @param tasks lets running tasks in by their tokens
 * @param pages by path
 * @param refusal why nothing new is taken in; empty while it is
 * @param nanos a clock that only goes forward, by which connections are judged
 */
record ApiParts(
        HttpConfig http,
        Contract contract,
        Map<String, Operation> operations,
        Function<String, Future<Tenant>> tenants,
        Optional<TaskAccess> tasks,
        Map<String, Page> pages,
        Supplier<Optional<String>> refusal,
        Limits limits,
        LongSupplier nanos,
        Admission admission,
        Metrics metrics,
        Tracing tracing) {

    ApiParts {
        operations = Map.copyOf(operations);
        pages = Map.copyOf(pages);
    }
}
