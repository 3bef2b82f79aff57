package dev.orrery.config;

import static dev.orrery.domain.Checks.require;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

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

    private static final String LOOPBACK = "127.0.0.1";
    private static final Pattern IPV4_LOOPBACK = Pattern.compile("127(\\.[0-9]{1,3}){3}");

    public static final HttpConfig DEFAULT = new HttpConfig(LOOPBACK, 8080, List.of(), "", List.of(), 1_000);

    public HttpConfig {
        Settings.HTTP_HOST.check(host);
        Settings.HTTP_PORT.check(port);
        hosts = List.copyOf(hosts);
        Settings.HTTP_HOSTS.check(hosts);
        Settings.HTTP_TOKEN.check(token);
        corsOrigins = List.copyOf(corsOrigins);
        Settings.HTTP_CORS_ORIGINS.check(corsOrigins);
        Settings.HTTP_MAX_REQUESTS.check(maxRequests);
        require(
                !token.isEmpty() || isLoopback(host),
                "http.host is '" + host
                        + "', which other machines may reach: set http.token, which they must then show,"
                        + " or listen on " + LOOPBACK);
    }

    private static boolean isLoopback(String host) {
        var name = host.toLowerCase(Locale.ROOT);
        return name.equals("localhost")
                || name.endsWith(".localhost")
                || name.equals("::1")
                || name.equals("[::1]")
                || IPV4_LOOPBACK.matcher(name).matches();
    }

    /** Without the token: configurations get into logs. */
    @Override
    public String toString() {
        return "HttpConfig[host=" + host + ", port=" + port + ", hosts=" + hosts + ", token=" + Secrets.masked(token)
                + ", corsOrigins=" + corsOrigins + ", maxRequests=" + maxRequests + "]";
    }
}
