package dev.orrery.api;

import io.vertx.core.buffer.Buffer;
import java.util.Map;
import java.util.regex.Pattern;

/** Builds pages that need nothing from elsewhere and run no code. */
final class Html {

    /** Nothing may be loaded but the node's own style sheet, and no other page may show this one. */
    private static final String POLICY =
            "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static final Pattern CODE = Pattern.compile("`([^`]+)`");
    private static final Pattern STRONG = Pattern.compile("\\*\\*([^*]+)\\*\\*");

    private Html() {}

    /** A whole page; {@code body} is HTML. */
    static Answer page(String title, String body) {
        var html = """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <title>%s</title>
                <link rel="icon" href="data:,">
                <link rel="stylesheet" href="/docs/style.css">
                </head>
                <body>
                %s
                </body>
                </html>
                """.formatted(escape(title), body);
        return text("text/html; charset=utf-8", html)
                .with("Content-Security-Policy", POLICY)
                .with("Referrer-Policy", "no-referrer")
                .with("X-Frame-Options", "DENY");
    }

    static Answer text(String contentType, String text) {
        return new Answer.Whole(200, Map.of(), contentType, Buffer.buffer(text));
    }

    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }

    /** One paragraph of the Markdown that the contract uses: {@code code} and strong words. */
    static String inline(String markdown) {
        var html = CODE.matcher(escape(markdown)).replaceAll("<code>$1</code>");
        return STRONG.matcher(html).replaceAll("<strong>$1</strong>");
    }

    /** The Markdown that the contract uses: paragraphs and tables. */
    static String blocks(String markdown) {
        var html = new StringBuilder();
        for (var block : markdown.strip().split("\n\\s*\n")) {
            html.append(block.startsWith("|") ? table(block) : "<p>" + inline(block.replace('\n', ' ')) + "</p>\n");
        }
        return html.toString();
    }

    private static String table(String block) {
        var html = new StringBuilder("<table>\n");
        var cell = "th";
        for (var line : block.lines().toList()) {
            if (line.matches("[|\\s-]+")) {
                continue;
            }
            html.append("<tr>");
            for (var text : line.strip().replaceAll("^\\||\\|$", "").split("\\|")) {
                html.append('<').append(cell).append('>').append(inline(text.strip()));
                html.append("</").append(cell).append('>');
            }
            html.append("</tr>\n");
            cell = "td";
        }
        return html.append("</table>\n").toString();
    }
}
