package dev.orrery.api;

import dev.orrery.config.HttpConfig;
import dev.orrery.domain.Tenant;
import dev.orrery.service.TaskAccess;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Tracing;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** The HTTP side of a node: the API, its pages, health and metrics. */
public final class Api {

    private final Vertx vertx;
    private final String deployment;
    private final int port;

    /**
     * What the API is made of.
     *
     * @param operations who answers, by the contract's operationId
     * @param tenants finds the tenant of a name, or fails with {@code TENANT_NOT_FOUND}
     * @param tasks lets running tasks in by their tokens
     * @param loops how many event loops serve
     */
    public record Setup(
            HttpConfig http,
            Contract contract,
            Map<String, Operation> operations,
            Function<String, Future<Tenant>> tenants,
            About about,
            HealthChecks checks,
            Metrics metrics,
            Tracing tracing,
            Optional<TaskAccess> tasks,
            int loops) {

        public Setup {
            operations = Map.copyOf(operations);
        }
    }

    /**
     * What the node tells of itself.
     *
     * @param mode {@code standalone} or {@code cluster}
     */
    public record About(String version, String mode) {}

    private Api(Vertx vertx, String deployment, int port) {
        this.vertx = vertx;
        this.deployment = deployment;
        this.port = port;
    }

    /** Listens; fails where the address is taken, or where contract and operations disagree. */
    public static Future<Api> start(Vertx vertx, Setup setup) {
        return start(vertx, setup, Limits.DEFAULT, System::nanoTime);
    }

    static Future<Api> start(Vertx vertx, Setup setup, Limits limits, LongSupplier nanos) {
        var admission = new Admission(setup.http().maxRequests(), limits.streams(), limits.bytes(), setup.metrics());
        var pages = Pages.of(vertx, setup);
        var parts = new ApiParts(
                setup.http(),
                setup.contract(),
                setup.operations(),
                setup.tenants(),
                setup.tasks(),
                pages,
                setup.checks().refusal(),
                limits,
                nanos,
                admission,
                setup.metrics(),
                setup.tracing());
        var verticles = new CopyOnWriteArrayList<ApiVerticle>();
        Supplier<ApiVerticle> another = () -> {
            var verticle = new ApiVerticle(parts);
            verticles.add(verticle);
            return verticle;
        };
        return vertx.deployVerticle(another, new DeploymentOptions().setInstances(setup.loops()))
                .map(id -> new Api(vertx, id, verticles.getFirst().port()));
    }

    /** The port it listens on. */
    public int port() {
        return port;
    }

    /** Takes nothing new, ends the live streams, lets requests in work finish for a moment, closes. */
    public Future<Void> close() {
        return vertx.undeploy(deployment);
    }
}
