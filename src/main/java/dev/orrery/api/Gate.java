package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.config.HttpConfig;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.net.URI;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Who may come in. A Host that is neither loopback nor configured is turned away, so that a web page cannot reach the node under a name
 * of its own (DNS rebinding); a change that comes from a foreign web page is turned away too; then the token is asked for, and at last
 * whether there is room.
 */
final class Gate implements Handler<RoutingContext> {

    /** Under this name a request's context holds a Runnable that gives its place free before it ends. */
    static final String LEAVE = "orrery.leave";

    private static final Pattern IPV4_LOOPBACK = Pattern.compile("127(\\.[0-9]{1,3}){3}");
    private static final Set<HttpMethod> READS = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);
    private static final String HEALTH = "/health/";
    private static final String ALLOWED_METHODS = "GET, HEAD, POST, PUT, DELETE";
    private static final String ALLOWED_HEADERS =
            "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, Orrery-Tenant";
    private static final String EXPOSED_HEADERS = "ETag, Location, Retry-After, Orrery-Attempt";
    private static final String PREFLIGHT_SECONDS = "600";

    private final Set<String> hosts;
    private final Set<String> origins;
    private final byte[] authorization;
    private final Admission admission;

    Gate(HttpConfig config, Admission admission) {
        this.hosts = config.hosts().stream().map(Gate::canonical).collect(Collectors.toCollection(HashSet::new));
        this.origins = config.corsOrigins().stream().map(Gate::canonical).collect(Collectors.toSet());
        this.authorization = config.token().getBytes(UTF_8);
        this.admission = admission;
    }

    @Override
    public void handle(RoutingContext context) {
        var request = context.request();
        refuseStrangeHost(request);
        var origin = request.getHeader(HttpHeaders.ORIGIN);
        if (origin != null && allowOrigin(context, origin)) {
            return;
        }
        if (!request.path().startsWith(HEALTH)) {
            if (!SignedRequests.isOne(request)) {
                refuseStranger(request);
            }
            admit(context);
        }
        context.next();
    }

    private void refuseStrangeHost(HttpServerRequest request) {
        var authority = request.authority();
        var host = authority == null ? "" : canonical(authority.host());
        if (!isLoopback(host) && !hosts.contains(host)) {
            throw new OrreryException(
                    ErrorCode.FORBIDDEN,
                    "this node does not answer to the host '" + SchemaProblems.shown(host)
                            + "'; http.hosts names those it does");
        }
    }

    private static boolean isLoopback(String host) {
        return host.equals("localhost")
                || host.endsWith(".localhost")
                || host.equals("[::1]")
                || host.equals("::1")
                || IPV4_LOOPBACK.matcher(host).matches();
    }

    /** Adds what a browser needs to let a page of this origin read the answer; true where it only wanted to know whether it may. */
    private boolean allowOrigin(RoutingContext context, String origin) {
        var request = context.request();
        var response = context.response();
        if (origins.contains(canonical(origin))) {
            response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            response.putHeader(HttpHeaders.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
            response.putHeader(HttpHeaders.VARY, HttpHeaders.ORIGIN);
            if (request.method().equals(HttpMethod.OPTIONS)) {
                response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
                response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
                response.putHeader(HttpHeaders.ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS);
                response.setStatusCode(204).end();
                return true;
            }
        } else if (!READS.contains(request.method()) && !isOwn(request, origin)) {
            throw new OrreryException(
                    ErrorCode.FORBIDDEN,
                    "pages of '" + SchemaProblems.shown(origin)
                            + "' may not change anything here; http.cors-origins names those that may");
        }
        return false;
    }

    /** Whether the page came from this very node. */
    private static boolean isOwn(HttpServerRequest request, String origin) {
        try {
            var authority = request.getHeader(HttpHeaders.HOST);
            return authority != null
                    && authority.equalsIgnoreCase(URI.create(origin).getAuthority());
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    private void refuseStranger(HttpServerRequest request) {
        if (authorization.length > 0 && !isToken(request.getHeader(HttpHeaders.AUTHORIZATION))) {
            throw new OrreryException(ErrorCode.UNAUTHORIZED, "the token is missing or wrong");
        }
    }

    /** Takes the same time for every wrong token of one length. */
    private boolean isToken(@Nullable String header) {
        var scheme = "Bearer ";
        return header != null
                && header.regionMatches(true, 0, scheme, 0, scheme.length())
                && MessageDigest.isEqual(
                        authorization, header.substring(scheme.length()).strip().getBytes(UTF_8));
    }

    private void admit(RoutingContext context) {
        if (!admission.enterRequest()) {
            throw new OrreryException(ErrorCode.OVERLOADED, "more requests wait than this node admits");
        }
        var left = new AtomicBoolean();
        Runnable leave = () -> {
            if (left.compareAndSet(false, true)) {
                admission.leaveRequest();
            }
        };
        context.put(LEAVE, leave);
        context.addEndHandler(_ -> leave.run());
    }

    private static String canonical(@Nullable String name) {
        if (name == null) {
            return "";
        }
        var lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") || lower.endsWith("/") ? lower.substring(0, lower.length() - 1) : lower;
    }
}
