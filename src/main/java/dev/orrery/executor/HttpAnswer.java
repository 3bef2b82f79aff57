package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.Json;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.FailureKind;
import dev.orrery.domain.task.RetryAfter;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.nio.charset.Charset;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a server answered, and how it becomes the output of the task. */
record HttpAnswer(int status, String reason, MultiMap headers, Buffer body) {

    private static final Pattern JSON_TYPE = Pattern.compile("application/([a-z0-9.+-]+\\+)?json");
    private static final Pattern CHARSET = Pattern.compile("charset=\"?([A-Za-z0-9._:+-]+)");
    private static final int EXCERPT = 500;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int SERVICE_UNAVAILABLE = 503;

    /** {@code {status, headers, body}}: the body as JSON if it is JSON, else as text; null where there is none. */
    Json output() {
        var all = new JsonObject();
        headers.names().stream()
                .map(name -> name.toLowerCase(Locale.ROOT))
                .distinct()
                .sorted()
                .forEach(name -> all.put(name, LogText.clean(String.join(", ", headers.getAll(name)))));
        return new Json("{\"status\":" + status + ",\"headers\":" + all.encode() + ",\"body\":" + bodyJson() + "}");
    }

    /** Such as {@code 404 Not Found: no such page}. */
    String describe() {
        var text = text().strip();
        var start = text.length() <= EXCERPT ? text : LogText.clean(text.substring(0, EXCERPT)) + "…";
        return (status + " " + reason).strip() + (start.isEmpty() ? "" : ": " + start);
    }

    /** What it says where it is no success. */
    Failed failure() {
        return new Failed(describe(), true, new FailureKind.HttpStatus(status), retryAfter());
    }

    /** Dates are read by the server's own clock where it tells its time. */
    private Optional<Duration> retryAfter() {
        if (status != TOO_MANY_REQUESTS && status != SERVICE_UNAVAILABLE) {
            return Optional.empty();
        }
        var now = header("Date").flatMap(RetryAfter::date).orElseGet(Instant::now);
        return header("Retry-After").flatMap(text -> RetryAfter.parse(text, now));
    }

    private Optional<String> header(String name) {
        @Nullable String value = headers.get(name);
        return Optional.ofNullable(value);
    }

    private String bodyJson() {
        if (body.length() == 0) {
            return "null";
        }
        if (isJson() && OutputJson.read(body.getBytes()) instanceof OutputJson.Reading.Value(var json)) {
            return json.text();
        }
        return io.vertx.core.json.Json.encode(text());
    }

    private boolean isJson() {
        var type = contentType();
        var end = type.indexOf(';');
        return JSON_TYPE
                .matcher((end < 0 ? type : type.substring(0, end)).strip())
                .matches();
    }

    private String text() {
        return LogText.clean(new String(body.getBytes(), charset()));
    }

    private Charset charset() {
        var named = CHARSET.matcher(contentType());
        if (named.find()) {
            try {
                return Charset.forName(named.group(1));
            } catch (IllegalArgumentException unknown) {
                return UTF_8;
            }
        }
        return UTF_8;
    }

    private String contentType() {
        return header("Content-Type").orElse("").toLowerCase(Locale.ROOT);
    }
}
