package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.config.HttpConfig;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.audit.Actor;
import dev.orrery.domain.audit.Actor.Proof;
import dev.orrery.domain.task.TaskTokens;
import dev.orrery.domain.task.TaskTokens.Claimed;
import dev.orrery.service.AskingTask;
import dev.orrery.service.TaskAccess;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.net.URI;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Who may come in. A Host that is neither loopback nor configured is turned away, so that a web page cannot reach the node under a name
 * of its own (DNS rebinding); a change that comes from a foreign web page is turned away too; then the token is asked for, that of
 * the node or that of a running task, and at last whether there is room.
 */
final class Gate implements Handler<RoutingContext> {

    /** Under this name a request's context holds a Runnable that gives its place free before it ends. */
    static final String LEAVE = "orrery.leave";

    /** Under this name a request's context holds the {@link Claimed} task that asks by its own token, and has signed it well. */
    static final String TASK = "orrery.task";

    private static final String SCHEME = "Bearer ";
    private static final Pattern IPV4_LOOPBACK = Pattern.compile("127(\\.[0-9]{1,3}){3}");
    private static final Set<HttpMethod> READS = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);
    private static final String HEALTH = "/health";
    private static final String METRICS = "/metrics";
    private static final String ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
    private static final String ALLOWED_HEADERS =
            "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, Orrery-Tenant, Orrery-Actor, traceparent";
    private static final String EXPOSED_HEADERS = "ETag, Location, Retry-After, Orrery-Attempt";
    private static final String PREFLIGHT_SECONDS = "600";

    /** Under this name a request's context holds what it proved itself by; nothing where it had to prove nothing. */
    private static final String PROOF = "orrery.proof";

    private final Set<String> hosts;
    private final Set<String> origins;
    private final byte[] authorization;
    private final Optional<TaskAccess> tasks;
    private final Admission admission;

    /** {@code tasks}: reads the tokens of running tasks; where it is absent, such a token is one like others. */
    Gate(HttpConfig config, Optional<TaskAccess> tasks, Admission admission) {
        this.hosts = config.hosts().stream().map(Gate::canonical).collect(Collectors.toCollection(HashSet::new));
        this.origins = config.corsOrigins().stream().map(Gate::canonical).collect(Collectors.toSet());
        this.authorization = config.token().getBytes(UTF_8);
        this.tasks = tasks;
        this.admission = admission;
    }

    @Override
    public void handle(RoutingContext context) {
        var request = context.request();
        refuseAmbiguous(context);
        refuseStrangeHost(request);
        var origin = request.getHeader(HttpHeaders.ORIGIN);
        if (origin != null && allowOrigin(context, origin)) {
            return;
        }
        if (!request.path().equals(HEALTH) && !request.path().startsWith(HEALTH + "/")) {
            var token = token(request);
            if (tasks.isPresent() && TaskTokens.isMeant(token) && !isToken(token)) {
                enterTask(context, tasks.get().read(token));
            } else if (SignedRequests.isOne(request)) {
                context.put(PROOF, Proof.WEBHOOK);
            } else {
                refuseStranger(token);
                context.put(PROOF, authorization.length > 0 ? Proof.TOKEN : Proof.NONE);
            }
            admit(context);
        }
        context.next();
    }

    /** Who asks, but for running tasks. Whether a webhook's signature is right is found out before anything is changed. */
    static Actor actor(RoutingContext context, Optional<String> name) {
        Proof proof = context.get(PROOF, Proof.NONE);
        var of = proof == Proof.WEBHOOK ? Optional.ofNullable(context.pathParam("webhook")) : Optional.<String>empty();
        return new Actor(proof, of, name);
    }

    /** Others on the way may read such a request differently, and take a part of it for the next one. */
    private static void refuseAmbiguous(RoutingContext context) {
        var headers = context.request().headers();
        var encoding = headers.get(HttpHeaders.TRANSFER_ENCODING);
        if (encoding != null && !encoding.strip().equalsIgnoreCase("chunked")) {
            refuseForGood(context, "Transfer-Encoding must be chunked, or left out");
        }
        if (headers.getAll(HttpHeaders.HOST).size() > 1) {
            refuseForGood(context, "there must be one Host");
        }
    }

    private static void refuseForGood(RoutingContext context, String why) {
        context.response().putHeader(HttpHeaders.CONNECTION, "close");
        context.addEndHandler(_ -> context.request().connection().close());
        throw new OrreryException(ErrorCode.BAD_REQUEST, why);
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

    /** What it may ask is decided with the operation; pages beside the contract are not for tasks. */
    private static void enterTask(RoutingContext context, Claimed claimed) {
        if (!context.request().path().startsWith(Contract.BASE_PATH + "/")) {
            throw AskingTask.refused(claimed.task(), "the page is not of the API");
        }
        context.put(TASK, claimed);
    }

    private void refuseStranger(String token) {
        if (authorization.length > 0 && !isToken(token)) {
            throw new OrreryException(ErrorCode.UNAUTHORIZED, "the token is missing or wrong");
        }
    }

    /** Empty where there is none. */
    private static String token(HttpServerRequest request) {
        var header = request.getHeader(HttpHeaders.AUTHORIZATION);
        return header != null && header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                ? header.substring(SCHEME.length()).strip()
                : "";
    }

    /** Takes the same time for every wrong token of one length. */
    private boolean isToken(String token) {
        return MessageDigest.isEqual(authorization, token.getBytes(UTF_8));
    }

    private void admit(RoutingContext context) {
        var isLook = context.request().path().equals(METRICS);
        if (!(isLook ? admission.enterLook() : admission.enterRequest())) {
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
