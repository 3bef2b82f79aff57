package dev.orrery.config;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * How the node is reached by HTTP.
 *
 * @param host the address to listen on
 * @param port the port to listen on; 0 takes a free one
 * @param hosts names under which the node may be called, besides those of loopback
 * @param token what callers must show; empty: nothing
 * @param corsOrigins web origins whose pages may call the node, such as {@code https://example.org}
 * @param maxRequests how many requests may be in work at once; further ones are refused
 */
public record HttpConfig(
        String host, int port, List<String> hosts, String token, List<String> corsOrigins, int maxRequests) {

    public static final HttpConfig DEFAULT = new HttpConfig("127.0.0.1", 8080, List.of(), "", List.of(), 1_000);

    public HttpConfig {
        require(!host.isBlank(), "http.host must not be empty");
        require(port >= 0 && port <= 65_535, "http.port must be 0..65535, was " + port);
        hosts = List.copyOf(hosts);
        requireNonNull(token, "token");
        corsOrigins = List.copyOf(corsOrigins);
        require(maxRequests >= 1 && maxRequests <= 100_000, "http.max-requests must be 1..100000, was " + maxRequests);
    }
}
