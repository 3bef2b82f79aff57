package dev.orrery.api;

import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Reads server-sent events as a browser would: fields by line, an event at each empty line, comments apart. */
public final class EventReader {

    private static final int LIMIT_SECONDS = 20;
    private static final Event END = new Event("", "end of the stream", "");

    private final HttpClientResponse response;
    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<String> comments = new LinkedBlockingQueue<>();
    private Buffer rest = Buffer.buffer();
    private String id = "";
    private String name = "message";
    private final List<String> data = new ArrayList<>();

    /** One event; the id is the last one that was told. */
    public record Event(String id, String name, String data) {

        public JsonObject json() {
            return new JsonObject(data);
        }
    }

    private EventReader(HttpClientResponse response) {
        this.response = response;
    }

    static EventReader of(HttpClientResponse response) {
        var reader = new EventReader(response);
        response.handler(reader::read);
        response.endHandler(_ -> reader.events.add(END));
        response.exceptionHandler(_ -> reader.events.add(END));
        return reader;
    }

    /** Of an answer that is no stream. */
    static EventReader refused(HttpClientResponse response) {
        var reader = new EventReader(response);
        reader.events.add(END);
        return reader;
    }

    public int status() {
        return response.statusCode();
    }

    public MultiMap headers() {
        return response.headers();
    }

    /** The next event, or null after the end. */
    public @Nullable Event next() {
        try {
            var event = events.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (event == null) {
                throw new AssertionError(new TimeoutException("no event came"));
            }
            return event.equals(END) ? null : event;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** All events to the end. */
    public List<Event> rest() {
        var all = new ArrayList<Event>();
        for (var event = next(); event != null; event = next()) {
            all.add(event);
        }
        return all;
    }

    /** Waits for a comment. */
    public String comment() {
        try {
            var comment = comments.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (comment == null) {
                throw new AssertionError(new TimeoutException("no comment came"));
            }
            return comment;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Stops reading until {@link #resume}. */
    public void pause() {
        response.pause();
    }

    public void resume() {
        response.resume();
    }

    public void close() {
        response.request().connection().close();
    }

    private void read(Buffer chunk) {
        rest = rest.appendBuffer(chunk);
        var begin = 0;
        for (var i = 0; i < rest.length(); i++) {
            if (rest.getByte(i) == '\n') {
                line(rest.getString(begin, i));
                begin = i + 1;
            }
        }
        rest = rest.getBuffer(begin, rest.length());
    }

    private void line(String line) {
        if (line.isEmpty()) {
            dispatch();
        } else if (line.startsWith(":")) {
            comments.add(line);
        } else if (line.startsWith("id: ")) {
            id = line.substring(4);
        } else if (line.startsWith("event: ")) {
            name = line.substring(7);
        } else if (line.startsWith("data: ")) {
            data.add(line.substring(6));
        } else {
            throw new AssertionError("no line of an event: " + line);
        }
    }

    private void dispatch() {
        if (!data.isEmpty()) {
            events.add(new Event(id, name, String.join("\n", data)));
        }
        data.clear();
        name = "message";
    }
}
