package dev.orrery.cli.client;

import java.net.URI;
import java.util.Locale;

/** Where the node is: a URL without path parameters or credentials, such as {@code http://127.0.0.1:8080}. */
public record ServerAddress(URI uri) {

    public static final String DEFAULT = "http://127.0.0.1:8080";

    /** Reads a URL, or a host and port for which http is meant; throws a usage failure for anything else. */
    public static ServerAddress parse(String text) {
        try {
            var withScheme = text.contains("://") ? text : "http://" + text;
            var uri = URI.create(withScheme.replaceAll("/+$", ""));
            var scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
            if ((scheme.equals("http") || scheme.equals("https"))
                    && uri.getHost() != null
                    && uri.getUserInfo() == null
                    && uri.getQuery() == null
                    && uri.getFragment() == null) {
                return new ServerAddress(uri);
            }
        } catch (IllegalArgumentException notAUrl) {
            // Said below, like everything else that is no address of a node.
        }
        // The text itself may hold a password, so it is not repeated.
        throw CommandFailure.usage(
                "the server's address is not a URL of a node", "write it like " + DEFAULT + " (no user, no query)");
    }

    URI resolve(String path) {
        return URI.create(uri + path);
    }

    @Override
    public String toString() {
        return uri.toString();
    }
}
