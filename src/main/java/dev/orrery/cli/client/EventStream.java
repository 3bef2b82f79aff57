package dev.orrery.cli.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads server-sent events (WHATWG HTML, 9.2) from an open answer, one at a time. */
public final class EventStream implements AutoCloseable {

    private static final int EVENT_LIMIT = 4 << 20;

    /**
     * One event.
     *
     * @param id the place in the stream after it; absent where the stream names none
     */
    public record ServerEvent(Optional<String> id, String type, String data) {

        /** Its data as the JSON object that it should be; anything else counts as a broken connection. */
        public JsonObject object() throws IOException {
            try {
                return JsonObject.parse(data);
            } catch (NotJson notJson) {
                throw new IOException("an event is no JSON object", notJson);
            }
        }
    }

    private final InputStream in;

    public EventStream(InputStream in) {
        this.in = new BufferedInputStream(in, 16_384);
    }

    /** Waits for the next event; absent at the end of the stream. A last event that is not complete does not count. */
    public Optional<ServerEvent> next() throws IOException {
        var data = new StringBuilder();
        var type = "message";
        var id = Optional.<String>empty();
        var hasData = false;
        while (true) {
            var line = line();
            if (line == null) {
                return Optional.empty();
            }
            if (line.isEmpty()) {
                if (hasData) {
                    return Optional.of(new ServerEvent(id, type, data.toString()));
                }
                type = "message";
                continue;
            }
            var colon = line.indexOf(':');
            var field = colon < 0 ? line : line.substring(0, colon);
            var value = colon < 0 ? "" : line.substring(colon + (line.startsWith(" ", colon + 1) ? 2 : 1));
            switch (field) {
                case "data" -> {
                    data.append(hasData ? "\n" : "").append(value);
                    hasData = true;
                }
                case "event" -> type = value;
                case "id" -> id = Optional.of(value);
                default -> {
                    // Comments, which have no name, only show that the node lives; unknown fields are to be ignored.
                }
            }
            if (data.length() > EVENT_LIMIT) {
                throw new IOException("an event is larger than " + EVENT_LIMIT + " characters");
            }
        }
    }

    private @Nullable String line() throws IOException {
        var line = new ByteArrayOutputStream();
        while (true) {
            var next = in.read();
            if (next == '\n') {
                var text = line.toString(UTF_8);
                return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
            }
            if (next < 0) {
                return null;
            }
            line.write(next);
            if (line.size() > EVENT_LIMIT) {
                throw new IOException("a line is longer than " + EVENT_LIMIT + " bytes");
            }
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
