package dev.orrery.executor;

import dev.orrery.domain.Json;
import dev.orrery.domain.dag.TaskType;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.json.DecodeException;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One request of an http task: the first, or one that a redirect asks for.
 *
 * @param hasSecretBody whether the body holds a secret, which goes to no other origin
 */
record HttpCall(HttpMethod method, URI url, MultiMap headers, Optional<Buffer> body, boolean hasSecretBody) {

    private static final Pattern METHOD = Pattern.compile("[A-Z]{1,20}");
    private static final Pattern HEADER_NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
    private static final Pattern HEADER_VALUE = Pattern.compile("[\\t\\x20-\\x7E\\x80-\\xFF]*");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{(ORRERY_API|ORRERY_RUN_ID|ORRERY_TASK_ID)}");
    /** Unlike {@link URI#getHost()} it knows names with underscores, which stand inside container networks. */
    private static final Pattern SERVER =
            Pattern.compile("(?:[^@]*@)?(?<host>\\[[0-9A-Fa-f:.]+]|[A-Za-z0-9_.-]+)(?::(?<port>[0-9]{0,5}))?");

    private static final String TRACEPARENT = "traceparent";
    private static final Set<String> SET_BY_THE_CLIENT = Set.of("content-length", "transfer-encoding", "connection");
    private static final int HTTPS_PORT = 443;
    private static final int HTTP_PORT = 80;
    private static final int SEE_OTHER = 303;
    private static final int FOUND = 302;

    /** Any header may be a secret, so only those that surely are none cross to another origin. */
    private static final Set<String> HARMLESS =
            Set.of("accept", "accept-encoding", "accept-language", "content-type", "traceparent", "user-agent");

    /** The request that this task describes; throws {@link CannotStart} where none can be made of it. */
    static HttpCall of(TaskType.Http task, TaskContext context, String apiUrl, TaskSecrets.Opened secrets) {
        var values = Map.of(
                "ORRERY_API", apiUrl,
                "ORRERY_RUN_ID", context.runId().toString(),
                "ORRERY_TASK_ID", context.task().id().value());
        var method = task.method().toUpperCase(Locale.ROOT);
        if (!METHOD.matcher(method).matches()) {
            throw new CannotStart("method '" + LogText.clean(task.method()) + "' is not an HTTP method");
        }
        var url = url(substituted(task.url(), values));
        var headers = headers(task.headers(), values, secrets);
        var template = task.body().map(json -> substituted(bodyText(json), values));
        var body = template.map(
                text -> isText(task.body().get()) ? secrets.filled("body", text) : secrets.filledJson("body", text));
        if (body.isPresent()
                && !headers.contains(HttpHeaders.CONTENT_TYPE)
                && !isText(task.body().get())) {
            headers.set(HttpHeaders.CONTENT_TYPE, "application/json");
        }
        addDefaults(headers, url);
        if (!headers.contains(TRACEPARENT)) {
            headers.set(TRACEPARENT, context.trace().traceparent());
        }
        return new HttpCall(HttpMethod.valueOf(method), url, headers, body.map(Buffer::buffer), !body.equals(template));
    }

    /**
     * The request, over a connection to this very address. The host of the URL stands in the Host header and in the TLS
     * handshake, and is not looked up again.
     */
    RequestOptions options(InetAddress address, Duration connectTimeout) {
        return new RequestOptions()
                .setMethod(method)
                .setServer(SocketAddress.inetSocketAddress(new InetSocketAddress(address, port())))
                .setHost(host())
                .setPort(port(url))
                .setSsl(isHttps(url))
                .setURI(pathAndQuery())
                .setHeaders(MultiMap.caseInsensitiveMultiMap().addAll(headers))
                .setFollowRedirects(false)
                .setConnectTimeout(Math.max(1, connectTimeout.toMillis()));
    }

    /** Of the URL, without the brackets of an IPv6 address. */
    String host() {
        var host = host(url);
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    int port() {
        return port(url);
    }

    /** What to request after a redirect; throws {@link CannotStart} where it leads nowhere. */
    HttpCall redirected(int status, String location) {
        URI next;
        try {
            next = checked(url.resolve(new URI(location)), location);
        } catch (URISyntaxException e) {
            throw new CannotStart("a redirect leads to '" + LogText.clean(location) + "', which is not a URL");
        }
        if (isHttps(url) && !isHttps(next)) {
            throw new CannotStart("a redirect leads from https to " + origin(next) + ", which is not encrypted");
        }
        var changesToGet = status == SEE_OTHER
                ? !method.equals(HttpMethod.HEAD)
                : status <= FOUND && method.equals(HttpMethod.POST);
        var kept = MultiMap.caseInsensitiveMultiMap();
        var sameOrigin = origin(next).equals(origin(url));
        if (hasSecretBody && !sameOrigin && !changesToGet) {
            throw new CannotStart("a redirect leads to " + origin(next) + ", and a secret in the body goes there only"
                    + " where the task itself names it");
        }
        for (var header : headers) {
            var name = header.getKey().toLowerCase(Locale.ROOT);
            var ofBody = name.startsWith("content-");
            if ((sameOrigin || HARMLESS.contains(name)) && !(changesToGet && ofBody)) {
                kept.add(header.getKey(), header.getValue());
            }
        }
        return changesToGet
                ? new HttpCall(HttpMethod.GET, next, kept, Optional.empty(), false)
                : new HttpCall(method, next, kept, body, hasSecretBody);
    }

    /** Without credentials and query, which may hold secrets. */
    String printableUrl() {
        var query = url.getRawQuery() == null ? "" : "?…";
        return origin(url) + (url.getRawPath() == null ? "" : url.getRawPath()) + query;
    }

    /** Whether it goes to the same scheme, host and port, as they are written. */
    boolean hasAuthorityOf(URI other) {
        return origin(url).equals(origin(other));
    }

    String hostAndPort() {
        return host(url) + ":" + port(url);
    }

    private String pathAndQuery() {
        var path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        return url.getRawQuery() == null ? path : path + "?" + url.getRawQuery();
    }

    private static URI url(String text) {
        try {
            return checked(new URI(text), text);
        } catch (URISyntaxException e) {
            throw new CannotStart("url '" + LogText.clean(text) + "' is not a URL: " + e.getReason());
        }
    }

    private static URI checked(URI url, String text) {
        var scheme = url.getScheme();
        if (scheme == null || (!scheme.equalsIgnoreCase("http") && !scheme.equalsIgnoreCase("https"))) {
            throw new CannotStart("url '" + LogText.clean(text) + "' must begin with http:// or https://");
        }
        if (host(url).isEmpty() || port(url) < 1 || port(url) > 65_535) {
            throw new CannotStart("url '" + LogText.clean(text) + "' names no host that can be called");
        }
        return url;
    }

    private static MultiMap headers(Map<String, String> given, Map<String, String> values, TaskSecrets.Opened secrets) {
        var headers = MultiMap.caseInsensitiveMultiMap();
        given.forEach((name, template) -> {
            var value = secrets.filled("headers." + name, substituted(template, values));
            if (!HEADER_NAME.matcher(name).matches()) {
                throw new CannotStart("headers: '" + LogText.clean(name) + "' cannot be the name of a header");
            }
            if (!HEADER_VALUE.matcher(value).matches()) {
                throw new CannotStart("headers: the value of " + name + " has characters that no header can carry");
            }
            if (!SET_BY_THE_CLIENT.contains(name.toLowerCase(Locale.ROOT))) {
                headers.add(name, value);
            }
        });
        return headers;
    }

    private static void addDefaults(MultiMap headers, URI url) {
        if (!headers.contains(HttpHeaders.USER_AGENT)) {
            headers.set(HttpHeaders.USER_AGENT, "orrery");
        }
        if (!headers.contains(HttpHeaders.ACCEPT)) {
            headers.set(HttpHeaders.ACCEPT, "*/*");
        }
        if (url.getUserInfo() != null && !headers.contains(HttpHeaders.AUTHORIZATION)) {
            var credentials = url.getUserInfo().getBytes(StandardCharsets.UTF_8);
            headers.set(
                    HttpHeaders.AUTHORIZATION, "Basic " + Base64.getEncoder().encodeToString(credentials));
        }
    }

    private static String substituted(String template, Map<String, String> values) {
        return PLACEHOLDER
                .matcher(template)
                .replaceAll(found -> Matcher.quoteReplacement(values.getOrDefault(found.group(1), "")));
    }

    private static boolean isText(Json body) {
        return body.text().startsWith("\"");
    }

    private static String bodyText(Json body) {
        if (!isText(body)) {
            return body.text();
        }
        try {
            return String.valueOf(io.vertx.core.json.Json.decodeValue(body.text()));
        } catch (DecodeException e) {
            throw new CannotStart("body is not JSON: " + e.getMessage());
        }
    }

    private static String origin(URI url) {
        var scheme = isHttps(url) ? "https" : "http";
        var port = port(url);
        var shown = port == (isHttps(url) ? HTTPS_PORT : HTTP_PORT) ? "" : ":" + port;
        return scheme + "://" + host(url).toLowerCase(Locale.ROOT) + shown;
    }

    private static boolean isHttps(URI url) {
        return url.getScheme().equalsIgnoreCase("https");
    }

    static int port(URI url) {
        var given = server(url).map(server -> server.group("port")).orElse("");
        return given.isEmpty() ? isHttps(url) ? HTTPS_PORT : HTTP_PORT : Integer.parseInt(given);
    }

    /** Empty where the URL names none. */
    private static String host(URI url) {
        return server(url).map(server -> server.group("host")).orElse("");
    }

    private static Optional<MatchResult> server(URI url) {
        return Optional.ofNullable(url.getRawAuthority())
                .map(SERVER::matcher)
                .filter(Matcher::matches)
                .map(Matcher::toMatchResult);
    }
}
