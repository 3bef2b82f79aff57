package dev.orrery.api;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** What an operation answers. */
public sealed interface Answer {

    int status();

    Map<String, String> headers();

    /** The same answer with one header more. */
    Answer with(String header, String value);

    /** An answer that is known as a whole. */
    record Whole(int status, Map<String, String> headers, String contentType, Buffer body) implements Answer {

        @Override
        public Whole with(String header, String value) {
            return new Whole(status, more(headers, header, value), contentType, body);
        }
    }

    /** An answer without a body. */
    record Empty(int status, Map<String, String> headers) implements Answer {

        @Override
        public Empty with(String header, String value) {
            return new Empty(status, more(headers, header, value));
        }
    }

    /** An answer of unknown length, written while it comes into being. */
    record Stream(int status, Map<String, String> headers, String contentType, StreamBody body) implements Answer {

        @Override
        public Stream with(String header, String value) {
            return new Stream(status, more(headers, header, value), contentType, body);
        }
    }

    /** A body that is written piece by piece, no faster than it is read. */
    interface StreamBody {

        /** Begins to write, and ends the target when all is written. A failed future breaks the connection off. */
        Future<Void> writeTo(StreamTarget target);

        /** Lets go of what it holds; called once, when the target is over, or instead of writing. */
        void close();
    }

    /** Writes one JSON value. */
    interface JsonWriter {
        void writeTo(JsonGenerator out) throws IOException;
    }

    static Whole json(int status, JsonWriter writer) {
        return new Whole(status, Map.of(), "application/json", Buffer.buffer(bytes(writer)));
    }

    static Empty empty(int status) {
        return new Empty(status, Map.of());
    }

    static Stream stream(String contentType, StreamBody body) {
        return new Stream(200, Map.of(), contentType, body);
    }

    static byte[] bytes(JsonWriter writer) {
        var bytes = new ByteArrayOutputStream(512);
        try (var out = Jackson.FACTORY.createGenerator(bytes)) {
            writer.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
        return bytes.toByteArray();
    }

    private static Map<String, String> more(Map<String, String> headers, String header, String value) {
        var all = new LinkedHashMap<>(headers);
        all.put(header, value);
        return all;
    }

    /** Holds what is made once. */
    final class Jackson {
        static final JsonFactory FACTORY = new JsonFactory();

        private Jackson() {}
    }
}
