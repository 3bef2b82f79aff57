package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.orrery.config.LetterWebhookConfig;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.net.CallRules;
import dev.orrery.domain.net.Destination;
import dev.orrery.domain.webhook.WebhookScheme;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Posts JSON to the webhook of the configuration, signed where there is a secret. An address that stands in the URL is
 * meant; a name may lead into the private network only where the configuration allows it, as with http tasks. Redirects are
 * not followed, and of the answer nothing but its status is read. All of a call has one deadline.
 */
public final class WebhookCalls {

    private static final int MAX_ADDRESSES = 8;
    private static final int MAX_HEADER_BYTES = 16 << 10;
    private static final int HTTPS_PORT = 443;
    private static final int HTTP_PORT = 80;

    private final LetterWebhookConfig config;
    private final InstantSource clock;
    private final URI url;
    private final AddressLookup lookup;
    private final CallRules rules;
    private final HttpClientAgent client;
    private final Set<Promise<Void>> underWay = ConcurrentHashMap.newKeySet();
    private volatile boolean isClosed;

    /** Why a call was not taken, in words for people; the URL's path, which may be a secret, is not among them. */
    static final class NotTaken extends OrreryException {

        private static final long serialVersionUID = 1L;

        NotTaken(String message) {
            super(ErrorCode.VALIDATION_ERROR, message);
        }
    }

    /** {@code clock}: when a request is signed. */
    public WebhookCalls(Vertx vertx, LetterWebhookConfig config, InstantSource clock) {
        this(vertx, config, clock, new SystemLookup(vertx));
    }

    WebhookCalls(Vertx vertx, LetterWebhookConfig config, InstantSource clock, AddressLookup lookup) {
        this.config = requireNonNull(config, "config");
        this.clock = requireNonNull(clock, "clock");
        this.url = URI.create(config.url());
        this.lookup = requireNonNull(lookup, "lookup");
        this.rules = rules(config, host());
        this.client = vertx.httpClientBuilder()
                .with(new HttpClientOptions()
                        .setConnectTimeout((int) config.timeout().toMillis())
                        .setKeepAlive(false)
                        .setMaxHeaderSize(MAX_HEADER_BYTES))
                .with(new PoolOptions().setHttp1MaxSize(2).setMaxWaitQueueSize(2))
                .build();
    }

    private static CallRules rules(LetterWebhookConfig config, String host) {
        var allow = new ArrayList<>(config.allowed());
        Destination.parse(host)
                .filter(written -> written instanceof Destination.Range || host.equalsIgnoreCase("localhost"))
                .ifPresent(allow::add);
        return new CallRules(allow, List.of());
    }

    /** Succeeds when it was taken: by an answer with a status from 200 to 299 in time. */
    public Future<Void> post(String id, String body) {
        var over = Promise.<Void>promise();
        underWay.add(over);
        if (isClosed) {
            over.tryFail(new NotTaken("the node stops"));
        }
        var call = new Call(id, Buffer.buffer(body, UTF_8.name()));
        call.begin()
                .timeout(config.timeout().toMillis(), TimeUnit.MILLISECONDS)
                .onSuccess(over::tryComplete)
                .onFailure(over::tryFail);
        return over.future()
                .recover(error -> Future.failedFuture(new NotTaken(told(error))))
                .onComplete(_ -> {
                    call.abandon();
                    underWay.remove(over);
                });
    }

    /** Ends what is under way, and takes nothing more: who leads next sends it again. */
    public Future<Void> close() {
        isClosed = true;
        underWay.forEach(over -> over.tryFail(new NotTaken("the node stops")));
        return client.close().eventually(lookup::close);
    }

    private String told(Throwable error) {
        return switch (error) {
            case NotTaken known -> String.valueOf(known.getMessage());
            case UnknownHostException _ -> "cannot find the host of " + place() + " (DNS)";
            case TimeoutException _ ->
                place() + " did not answer within " + config.timeout().toMillis() + " ms";
            default -> "the request to " + place() + " failed: " + LogText.clean(String.valueOf(error.getMessage()));
        };
    }

    /** One request. */
    private final class Call {

        private final String id;
        private final Buffer body;
        private volatile @Nullable HttpClientRequest current;
        private volatile boolean isOver;

        Call(String id, Buffer body) {
            this.id = id;
            this.body = body;
        }

        Future<Void> begin() {
            return lookup.addresses(host())
                    .compose(found -> connect(passed(found)))
                    .compose(request -> {
                        current = request;
                        request.exceptionHandler(_ -> {});
                        request.connection().exceptionHandler(_ -> {});
                        if (isOver) {
                            request.reset();
                            return Future.failedFuture(new NotTaken("it was too late to send it"));
                        }
                        return request.send(body);
                    })
                    .compose(response -> {
                        response.exceptionHandler(_ -> {});
                        var status = response.statusCode();
                        return status >= 200 && status < 300
                                ? Future.succeededFuture()
                                : Future.failedFuture(new NotTaken(place() + " answered " + status
                                        + (status >= 300 && status < 400 ? "; redirects are not followed" : "")));
                    });
        }

        private Future<HttpClientRequest> connect(List<InetAddress> addresses) {
            var others = addresses.subList(1, Math.min(addresses.size(), MAX_ADDRESSES));
            return client.request(options(addresses.getFirst()))
                    .recover(error -> error instanceof SocketException && !others.isEmpty() && !isOver
                            ? connect(others)
                            : Future.failedFuture(error));
        }

        private RequestOptions options(InetAddress address) {
            var query = url.getRawQuery() == null ? "" : "?" + url.getRawQuery();
            var path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
            var options = new RequestOptions()
                    .setMethod(HttpMethod.POST)
                    .setServer(SocketAddress.inetSocketAddress(new InetSocketAddress(address, port())))
                    .setHost(host())
                    .setPort(port())
                    .setSsl(isHttps())
                    .setURI(path + query)
                    .setFollowRedirects(false)
                    .putHeader("content-type", "application/json")
                    .putHeader("user-agent", "orrery");
            WebhookScheme.signed(id, clock.instant(), body.getBytes(), config.signer())
                    .forEach(options::putHeader);
            return options;
        }

        /** Whatever comes now comes too late. */
        void abandon() {
            isOver = true;
            var sent = current;
            if (sent != null) {
                sent.reset();
            }
        }
    }

    private List<InetAddress> passed(List<InetAddress> found) {
        for (var address : found) {
            if (rules.objection(host(), address, port()).isPresent()) {
                throw new NotTaken(place() + " leads to " + address.getHostAddress()
                        + ", which is not of the public internet; add that address to dead-letters.webhook-allow in the"
                        + " nodes' configuration if it is meant");
            }
        }
        return found;
    }

    private String place() {
        return url.getRawAuthority();
    }

    /** The authority is as the configuration checks it: a name or an address, and perhaps a port. */
    private String host() {
        var authority = url.getRawAuthority();
        if (authority.startsWith("[")) {
            return authority.substring(1, authority.indexOf(']'));
        }
        var colon = authority.indexOf(':');
        return colon < 0 ? authority : authority.substring(0, colon);
    }

    private int port() {
        return url.getPort() > 0 ? url.getPort() : isHttps() ? HTTPS_PORT : HTTP_PORT;
    }

    private boolean isHttps() {
        return url.getScheme().equals("https");
    }
}
