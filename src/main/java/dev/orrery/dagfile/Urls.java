package dev.orrery.dagfile;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.regex.Pattern;

/** The URLs of http tasks, in which three placeholders stand for what is known only when the task runs. */
final class Urls {

    private static final Pattern AUTHORITY =
            Pattern.compile("(?:\\[[0-9A-Fa-f:.]+]|[A-Za-z0-9_.-]+)(?::(?<port>[0-9]{1,5}))?");
    private static final int MAX_PORT = 65_535;

    private Urls() {}

    static boolean isUrl(String text) {
        try {
            var url = new URI(filled(text));
            return isHttp(url.getScheme()) && isAuthority(url.getRawAuthority());
        } catch (URISyntaxException _) {
            return false;
        }
    }

    private static String filled(String text) {
        return text.replace("${ORRERY_API}", "http://127.0.0.1:8080")
                .replace("${ORRERY_RUN_ID}", "0")
                .replace("${ORRERY_TASK_ID}", "0");
    }

    private static boolean isHttp(String scheme) {
        return "http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme);
    }

    /** Underscores are allowed, unlike in {@link URI#getHost()}: names inside container networks have them. */
    private static boolean isAuthority(String authority) {
        if (authority == null) {
            return false;
        }
        var parts = AUTHORITY.matcher(authority);
        return parts.matches() && (parts.group("port") == null || Integer.parseInt(parts.group("port")) <= MAX_PORT);
    }
}
