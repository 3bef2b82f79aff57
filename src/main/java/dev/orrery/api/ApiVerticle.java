package dev.orrery.api;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Serves HTTP on one event loop; several of them share a port. Stopping ends the streams, lets requests in work finish for a while, and
 * closes the connections.
 */
public final class ApiVerticle extends VerticleBase {

    private static final int REQUEST_LINE_BYTES = 8 * 1024;
    private static final int HEADER_BYTES = 32 * 1024;
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    private final ApiParts parts;
    private @Nullable ApiRouter router;
    private @Nullable HttpServer server;
    private @Nullable Connections connections;

    ApiVerticle(ApiParts parts) {
        this.parts = parts;
    }

    @Override
    public Future<?> start() {
        connections = new Connections(vertx, parts.limits(), parts.nanos());
        router = new ApiRouter(vertx, parts);
        server = vertx.createHttpServer(options(parts.limits()))
                .connectionHandler(connections::opened)
                .invalidRequestHandler(Failures::unreadable)
                .requestHandler(router.create(connections));
        return server.listen(listenPort(), parts.http().host());
    }

    /** Any free port must be the same for all event loops, which is what -1 means. */
    private int listenPort() {
        return parts.http().port() == 0 ? -1 : parts.http().port();
    }

    /** Where it listens, which matters where any free port was asked for. */
    int port() {
        return server == null ? 0 : server.actualPort();
    }

    @Override
    public Future<?> stop() {
        if (router != null) {
            router.endStreams();
        }
        if (connections != null) {
            connections.close();
        }
        return server == null
                ? Future.succeededFuture()
                : server.shutdown(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    }

    private static HttpServerOptions options(Limits limits) {
        return new HttpServerOptions()
                .setMaxInitialLineLength(REQUEST_LINE_BYTES)
                .setMaxHeaderSize(HEADER_BYTES)
                .setHttp2ClearTextEnabled(false)
                .setIdleTimeout(Math.toIntExact(limits.idle().toMillis()))
                .setIdleTimeoutUnit(TimeUnit.MILLISECONDS);
    }
}
