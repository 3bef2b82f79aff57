package dev.orrery.cli.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.SocketTimeoutException;
import java.net.URLEncoder;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Calls a node. Every call has a limit in time and size, and ends in a value or in a {@link CommandFailure} that says
 * what to do.
 *
 * <p>Whatever changes something is sent with an Idempotency-Key, so that a call whose answer was lost can be repeated.
 */
public final class ApiClient {

    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);
    /** A node sends a sign of life on a stream every 15 s. */
    private static final Duration STREAM_SILENCE_LIMIT = Duration.ofSeconds(45);

    private static final int BODY_LIMIT = 64 << 20;
    private static final int TRIES = 3;

    private final ServerAddress server;
    private final Optional<String> token;
    private final Optional<String> tenant;
    private final Optional<String> actor;
    private final Duration answerLimit;

    /** Calls as the tenant that is meant where none is named. */
    public ApiClient(ServerAddress server, Optional<String> token, Duration answerLimit) {
        this(server, token, Optional.empty(), Optional.empty(), answerLimit);
    }

    /** {@code actor}: who asks, for the audit log. */
    public ApiClient(
            ServerAddress server,
            Optional<String> token,
            Optional<String> tenant,
            Optional<String> actor,
            Duration answerLimit) {
        this.server = server;
        this.token = token;
        this.tenant = tenant;
        this.actor = actor;
        this.answerLimit = answerLimit;
    }

    public ServerAddress server() {
        return server;
    }

    /** What a node answered to a call that it accepted. */
    public record Answer(String body, ServerAddress from) {

        public JsonObject object() {
            try {
                return JsonObject.parse(body);
            } catch (NotJson notJson) {
                throw notANode(from, notJson);
            }
        }

        public List<JsonObject> list() {
            try {
                return JsonObject.parseList(body);
            } catch (NotJson notJson) {
                throw notANode(from, notJson);
            }
        }
    }

    private static CommandFailure notANode(ServerAddress server, NotJson because) {
        return CommandFailure.other(
                server + " does not answer like an Orrery node: " + because.getMessage(),
                Optional.of("is something else listening there? 'curl " + server + "/' shows what"));
    }

    public Answer get(String path) {
        return call("GET", path, null, Map.of());
    }

    public Answer post(String path, JsonObject body) {
        return post(path, body, IdempotencyKey.next());
    }

    /** As {@link #post(String, JsonObject)}, under a key of the caller's. */
    public Answer post(String path, JsonObject body, String key) {
        return postText(path, body.toString(), key);
    }

    /** As {@link #post(String, JsonObject, String)}, with a body that is JSON already. */
    public Answer postText(String path, String body, String key) {
        return call("POST", path, body, Map.of("Idempotency-Key", key));
    }

    /** A name for something that is to be done once. */
    public static String newKey() {
        return IdempotencyKey.next();
    }

    public Answer put(String path, JsonObject body, Map<String, String> headers) {
        return call("PUT", path, body.toString(), headers);
    }

    public Answer patch(String path, JsonObject body) {
        return call("PATCH", path, body.toString(), Map.of());
    }

    public Answer delete(String path) {
        return call("DELETE", path, null, Map.of());
    }

    /** A value as part of a path or query. */
    public static String encode(String value) {
        return URLEncoder.encode(value, UTF_8).replace("+", "%20");
    }

    private Answer call(String method, String path, @Nullable String body, Map<String, String> headers) {
        var wait = Duration.ofMillis(300);
        for (var attempt = 1; ; attempt++) {
            try {
                var response = ask(method, path, body, headers);
                if (!response.isRefusal()) {
                    return new Answer(response.body(), server);
                }
                var failure = ApiErrors.read(response, path);
                if (attempt == TRIES || failure.exitCode() != ExitCode.UNREACHABLE) {
                    throw failure;
                }
                wait = ApiErrors.retryAfter(response).orElse(wait);
            } catch (IOException lost) {
                if (attempt == TRIES || isFinal(lost)) {
                    throw unreachable(lost);
                }
            }
            pause(wait);
            wait = wait.multipliedBy(2);
        }
    }

    private Response ask(String method, String path, @Nullable String body, Map<String, String> headers)
            throws IOException {
        if (method.equals("PATCH") && body != null) {
            return new Patching(CONNECT_LIMIT, answerLimit, BODY_LIMIT)
                    .send(server.resolve(path), allHeaders(headers, true), body);
        }
        var connection = open(method, path, allHeaders(headers, body != null), answerLimit);
        send(connection, body);
        return response(connection);
    }

    private static Response response(HttpURLConnection connection) throws IOException {
        var status = connection.getResponseCode();
        var body = text(status < 400 ? connection.getInputStream() : connection.getErrorStream());
        return new Response(status, body, Optional.ofNullable(connection.getHeaderField(Response.RETRY_AFTER)));
    }

    private Map<String, String> allHeaders(Map<String, String> headers, boolean hasBody) {
        var all = new LinkedHashMap<String, String>();
        all.put("Accept", "application/json, text/plain;q=0.9");
        all.put("User-Agent", "orrery-cli");
        token.ifPresent(secret -> all.put("Authorization", "Bearer " + secret));
        tenant.ifPresent(name -> all.put("Orrery-Tenant", name));
        actor.ifPresent(name -> all.put("Orrery-Actor", name));
        if (hasBody) {
            all.put("Content-Type", "application/json");
        }
        all.putAll(headers);
        return all;
    }

    /** Nobody is there, or not who was asked for: asking again at once would not help. */
    private static boolean isFinal(IOException failure) {
        return failure instanceof ConnectException
                || failure instanceof UnknownHostException
                || failure instanceof SSLException
                || failure instanceof SocketTimeoutException;
    }

    private static void pause(Duration wait) {
        try {
            Thread.sleep(wait);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw CommandFailure.other("interrupted", Optional.empty());
        }
    }

    /**
     * Opens a stream of server-sent events. An answer that refuses is a {@link CommandFailure}; whatever else goes wrong
     * is an IOException, after which the caller may open it again from the last event it saw.
     */
    public EventStream events(String path, Optional<String> lastEventId) throws IOException {
        var headers = allHeaders(Map.of("Accept", "text/event-stream"), false);
        lastEventId.ifPresent(id -> headers.put("Last-Event-ID", id));
        var connection = open("GET", path, headers, STREAM_SILENCE_LIMIT);
        if (connection.getResponseCode() >= 400) {
            throw ApiErrors.read(response(connection), path);
        }
        var nothingFollows = connection.getResponseCode() == HttpURLConnection.HTTP_NO_CONTENT;
        return new EventStream(nothingFollows ? InputStream.nullInputStream() : connection.getInputStream());
    }

    private HttpURLConnection open(String method, String path, Map<String, String> headers, Duration readLimit)
            throws IOException {
        var connection = (HttpURLConnection) server.resolve(path).toURL().openConnection();
        connection.setRequestMethod(method);
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        connection.setConnectTimeout((int) CONNECT_LIMIT.toMillis());
        connection.setReadTimeout((int) readLimit.toMillis());
        headers.forEach(connection::setRequestProperty);
        return connection;
    }

    private static void send(HttpURLConnection connection, @Nullable String body) throws IOException {
        if (body == null) {
            return;
        }
        connection.setDoOutput(true);
        try (var out = connection.getOutputStream()) {
            out.write(body.getBytes(UTF_8));
        }
    }

    private static String text(@Nullable InputStream in) throws IOException {
        if (in == null) {
            return "";
        }
        try (in) {
            var bytes = in.readNBytes(BODY_LIMIT + 1);
            if (bytes.length > BODY_LIMIT) {
                throw CommandFailure.other(
                        "the answer is larger than " + (BODY_LIMIT >> 20) + " MiB", Optional.empty());
            }
            return new String(bytes, UTF_8);
        }
    }

    /** The failure that says that nobody answers at this address. */
    public CommandFailure unreachable(IOException because) {
        var isHeard = !(because instanceof UnknownHostException || because instanceof ConnectException);
        var help = isHeard && "https".equalsIgnoreCase(server.uri().getScheme())
                ? "a node itself speaks http://; what stands before it with https:// needs a certificate that this machine trusts"
                : "start a node there with 'orrery node', or name another one with --server or ORRERY_SERVER";
        return CommandFailure.unreachable("cannot reach " + server + " (" + reason(because) + ")", help);
    }

    private static String reason(IOException because) {
        return switch (because) {
            case UnknownHostException _ -> "unknown host";
            case ConnectException _ -> "connection refused";
            case SocketTimeoutException _ -> "no answer in time";
            default -> because.getMessage() == null ? because.toString() : because.getMessage();
        };
    }
}
