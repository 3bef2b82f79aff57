package dev.orrery.coordination;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.config.EtcdConfig;
import dev.orrery.domain.StartupException;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.ClientBuilder;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import java.io.File;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * One member of an etcd. A connection that failed is not mended but made anew, at most once a second: the library waits up
 * to two minutes before it tries again, keeps a login that etcd has forgotten, and asks for an address once.
 */
final class EtcdEndpoint implements AutoCloseable {

    /** etcd ends connections that ping more often than each five seconds. */
    private static final Duration PING_EVERY = Duration.ofSeconds(6);

    private static final Duration PING_ANSWERED = Duration.ofSeconds(2);
    private static final Duration CONNECT_ANEW_EVERY = Duration.ofSeconds(1);

    private final String url;
    private final EtcdConfig config;
    private @Nullable Client client;
    private boolean isBroken;
    private long connectedAt;
    private boolean isClosed;
    private volatile boolean hasAnswered;
    private volatile String lastFailure = "not asked yet";

    EtcdEndpoint(String url, EtcdConfig config) {
        this.url = url;
        this.config = config;
        client = connect();
        connectedAt = System.nanoTime();
    }

    /** What it answers within the limit. */
    <T> T ask(Function<Client, CompletableFuture<T>> question, Duration limit) {
        Client asked = null;
        try {
            asked = client();
            var value = answer(question.apply(asked), limit);
            answered(asked);
            return value;
        } catch (ExecutionException | TimeoutException | RuntimeException e) {
            var failure = EtcdFailure.of(e, limit, guess());
            if (!failure.isAnswer()) {
                broken(asked);
            }
            lastFailure = failure.reason();
            throw failure;
        }
    }

    /** One that has answered before speaks as it should. */
    private String guess() {
        if (hasAnswered) {
            return "";
        }
        return url.startsWith("https:")
                ? ", as one does that speaks no TLS, or wants another etcd.cert-file"
                : ", as one does that speaks TLS only";
    }

    private static <T> T answer(CompletableFuture<T> answer, Duration limit)
            throws ExecutionException, TimeoutException {
        try {
            return answer.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CoordinationException("interrupted while waiting for etcd", e);
        } finally {
            answer.cancel(false);
        }
    }

    /** Where it is, and what was wrong with it the last time. */
    String complaint() {
        return url + ": " + lastFailure;
    }

    private synchronized Client client() {
        var current = client;
        if (isClosed) {
            throw new CoordinationException("the connection to etcd is closed");
        }
        if (current != null && isBroken && System.nanoTime() - connectedAt > CONNECT_ANEW_EVERY.toNanos()) {
            current.close();
            current = null;
        }
        if (current == null) {
            current = connect();
            client = current;
            isBroken = false;
            connectedAt = System.nanoTime();
        }
        return current;
    }

    private synchronized void answered(Client asked) {
        hasAnswered = true;
        if (asked == client) {
            isBroken = false;
        }
    }

    private synchronized void broken(@Nullable Client asked) {
        if (asked == client) {
            isBroken = true;
        }
    }

    /** The next question goes over a new connection, with a new login. */
    synchronized void logInAgain() {
        if (client != null) {
            isBroken = true;
            connectedAt -= CONNECT_ANEW_EVERY.toNanos();
        }
    }

    private Client connect() {
        var builder = Client.builder()
                .endpoints(URI.create(url))
                .connectTimeout(config.timeout())
                .keepaliveTime(PING_EVERY)
                .keepaliveTimeout(PING_ANSWERED)
                .waitForReady(false)
                .retryMaxAttempts(0)
                .interceptor(new Deadline(config.timeout()));
        if (!config.user().isEmpty()) {
            builder.user(bytes(config.user())).password(bytes(config.password()));
        }
        if (url.startsWith("https:")) {
            encrypt(builder);
        }
        return builder.build();
    }

    private void encrypt(ClientBuilder builder) {
        try {
            builder.sslContext(ssl -> {
                if (!config.caFile().isEmpty()) {
                    ssl.trustManager(readable("etcd.ca-file", config.caFile()));
                }
                if (!config.certFile().isEmpty()) {
                    ssl.keyManager(
                            readable("etcd.cert-file", config.certFile()), readable("etcd.key-file", config.keyFile()));
                }
            });
        } catch (SSLException | IllegalArgumentException e) {
            throw new StartupException(
                    "the certificates for etcd cannot be used (" + EtcdFailure.firstCause(e)
                            + "): etcd.ca-file, etcd.cert-file and etcd.key-file name PEM files, the key in PKCS#8",
                    e);
        }
    }

    private static File readable(String setting, String path) {
        var file = new File(path);
        if (!file.canRead()) {
            throw new StartupException(setting + " cannot be read: " + path);
        }
        return file;
    }

    private static ByteSequence bytes(String text) {
        return ByteSequence.from(text, UTF_8);
    }

    /** Tells the library and the server how long an answer is waited for, so that no call is left behind. */
    private record Deadline(Duration limit) implements ClientInterceptor {

        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            return next.newCall(method, options.withDeadlineAfter(limit.toMillis(), TimeUnit.MILLISECONDS));
        }
    }

    @Override
    public synchronized void close() {
        isClosed = true;
        var current = client;
        client = null;
        if (current != null) {
            current.close();
        }
    }
}
