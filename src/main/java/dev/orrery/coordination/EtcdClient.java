package dev.orrery.coordination;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.config.EtcdConfig;
import dev.orrery.domain.StartupException;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.common.exception.ErrorCode;
import io.etcd.jetcd.common.exception.EtcdException;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.PutOption;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import java.io.File;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import javax.net.ssl.SSLException;

/**
 * The little of etcd that coordination needs, with texts for keys and values. Every call blocks, for the time limit at
 * most, and then fails with a {@link CoordinationException}, whatever the library below would wait for; the limit goes to
 * the server too, so that no call is left behind. Keys are below the cluster's prefix.
 */
final class EtcdClient implements AutoCloseable {

    /** etcd ends connections that ping more often than each five seconds. */
    private static final Duration PING_EVERY = Duration.ofSeconds(6);

    private static final Duration PING_ANSWERED = Duration.ofSeconds(2);

    /** For the library's own tries below the limit. */
    private static final long RETRY_MILLIS = 100;

    private final EtcdConfig config;
    private final Duration limit;
    private volatile Client client;
    private volatile long answeredNanos = System.nanoTime();

    /** A key with its value; {@code created} is the revision at which the key came to be. */
    record Entry(String key, String value, long created, long lease) {}

    EtcdClient(EtcdConfig config) {
        this.config = config;
        this.limit = config.timeout();
        this.client = connect(config);
    }

    private static Client connect(EtcdConfig config) {
        var builder = Client.builder()
                .endpoints(config.endpoints().stream().map(URI::create).toList())
                .connectTimeout(config.timeout())
                .keepaliveTime(PING_EVERY)
                .keepaliveTimeout(PING_ANSWERED)
                .retryDelay(RETRY_MILLIS)
                .retryMaxDelay(RETRY_MILLIS * 5)
                .retryMaxDuration(config.timeout())
                .interceptor(new Deadline(config.timeout()));
        if (!config.user().isEmpty()) {
            builder.user(bytes(config.user())).password(bytes(config.password()));
        }
        if (config.endpoints().getFirst().startsWith("https:")) {
            encrypt(builder, config);
        }
        return builder.build();
    }

    private static void encrypt(io.etcd.jetcd.ClientBuilder builder, EtcdConfig config) {
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
                    "the certificates for etcd cannot be used (" + e.getMessage()
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

    /** Tells the server how long an answer is waited for. */
    private record Deadline(Duration limit) implements ClientInterceptor {

        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            return next.newCall(method, options.withDeadlineAfter(limit.toMillis(), TimeUnit.MILLISECONDS));
        }
    }

    /** The id of the etcd cluster. */
    String clusterId() {
        return Long.toUnsignedString(
                call(etcd -> etcd.getKVClient().get(key("place"))).getHeader().getClusterId());
    }

    Optional<Entry> get(String key) {
        return call(etcd -> etcd.getKVClient().get(key(key))).getKvs().stream()
                .map(this::entry)
                .findFirst();
    }

    /** All keys that begin so, in their order. */
    List<Entry> list(String beginning) {
        var options = GetOption.builder().isPrefix(true).build();
        return call(etcd -> etcd.getKVClient().get(key(beginning), options)).getKvs().stream()
                .map(this::entry)
                .toList();
    }

    void put(String key, String value, long lease) {
        var options = PutOption.builder().withLeaseId(lease).build();
        call(etcd -> etcd.getKVClient().put(key(key), bytes(value), options));
    }

    /** Makes a key if there is none; answers what it holds then, by whomever it was made. */
    Entry create(String key, String value, long lease) {
        var place = key(key);
        var options = PutOption.builder().withLeaseId(lease).build();
        var answer = call(etcd -> etcd.getKVClient()
                .txn()
                .If(new Cmp(place, Cmp.Op.EQUAL, CmpTarget.createRevision(0)))
                .Then(Op.put(place, bytes(value), options), Op.get(place, GetOption.DEFAULT))
                .Else(Op.get(place, GetOption.DEFAULT))
                .commit());
        return entry(answer.getGetResponses().getFirst().getKvs().getFirst());
    }

    void delete(String key) {
        call(etcd -> etcd.getKVClient().delete(key(key)));
    }

    /** Deletes a key unless another one has taken its place. */
    void delete(Entry entry) {
        var place = key(entry.key());
        call(etcd -> etcd.getKVClient()
                .txn()
                .If(new Cmp(place, Cmp.Op.EQUAL, CmpTarget.createRevision(entry.created())))
                .Then(Op.delete(place, DeleteOption.DEFAULT))
                .commit());
    }

    /** A new lease; keys under it go with it. */
    long grant(Duration timeToLive) {
        return call(etcd -> etcd.getLeaseClient().grant(timeToLive.toSeconds())).getID();
    }

    /** Renews a lease; false where it is gone. */
    boolean renew(long lease) {
        try {
            return call(etcd -> etcd.getLeaseClient().keepAliveOnce(lease)).getTTL() > 0;
        } catch (CoordinationException e) {
            if (codeOf(e.getCause()) == ErrorCode.NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    void revoke(long lease) {
        call(etcd -> etcd.getLeaseClient().revoke(lease));
    }

    Duration silence() {
        return Duration.ofNanos(System.nanoTime() - answeredNanos);
    }

    private <T> T call(Function<Client, CompletableFuture<T>> action) {
        CompletableFuture<T> answer;
        try {
            answer = action.apply(client);
        } catch (RuntimeException e) {
            throw new CoordinationException("etcd cannot be asked: " + e.getMessage(), e);
        }
        try {
            var value =
                    answer.orTimeout(limit.toMillis(), TimeUnit.MILLISECONDS).join();
            answeredNanos = System.nanoTime();
            return value;
        } catch (CompletionException | CancellationException e) {
            var cause = e.getCause() == null ? e : e.getCause();
            if (codeOf(cause) == ErrorCode.UNAUTHENTICATED) {
                reconnect();
            }
            throw new CoordinationException(reason(cause), cause);
        }
    }

    /** A login that etcd no longer knows is not made again by itself. */
    private synchronized void reconnect() {
        var old = client;
        client = connect(config);
        old.close();
    }

    private String reason(Throwable cause) {
        return cause instanceof TimeoutException || codeOf(cause) == ErrorCode.DEADLINE_EXCEEDED
                ? "etcd does not answer within " + limit.toMillis() + " ms"
                : "etcd refuses: " + cause.getMessage();
    }

    static ErrorCode codeOf(@org.jspecify.annotations.Nullable Throwable cause) {
        return cause instanceof EtcdException known ? known.getErrorCode() : ErrorCode.UNKNOWN;
    }

    private ByteSequence key(String key) {
        return bytes(config.prefix() + "/" + key);
    }

    private static ByteSequence bytes(String text) {
        return ByteSequence.from(text, UTF_8);
    }

    private Entry entry(KeyValue row) {
        return new Entry(
                row.getKey().toString(UTF_8).substring(config.prefix().length() + 1),
                row.getValue().toString(UTF_8),
                row.getCreateRevision(),
                row.getLease());
    }

    @Override
    public void close() {
        client.close();
    }
}
