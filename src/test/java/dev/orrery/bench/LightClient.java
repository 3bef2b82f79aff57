package dev.orrery.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sends prepared requests over connections that are kept, and looks at nothing of the answers but their status and length: with
 * the usual client, a third of the two cores that are measured on would be its own.
 */
final class LightClient {

    private static final int BUFFER_BYTES = 1 << 16;
    private static final int READ_MILLIS = 60_000;
    private static final String END_OF_HEADERS = "\r\n\r\n";

    private final URI address;
    private final List<byte[]> requests;
    private final String expected;

    /** {@code bodies}: of the requests, in turn; {@code status}: of each answer. */
    LightClient(URI address, String path, List<String> bodies, int status) {
        this.address = address;
        this.requests = bodies.stream()
                .map(json -> ("POST " + path + " HTTP/1.1\r\nHost: " + address.getAuthority()
                                + "\r\nContent-Type: application/json\r\nContent-Length: " + json.length()
                                + END_OF_HEADERS + json)
                        .getBytes(StandardCharsets.US_ASCII))
                .toList();
        this.expected = "HTTP/1.1 " + status + " ";
    }

    /** Sends so many requests, one at a time on each of the connections. */
    void send(int count, int connections) throws IOException, InterruptedException {
        var left = new AtomicInteger(count);
        try (var threads = Executors.newFixedThreadPool(connections)) {
            var all = new ArrayList<Future<Void>>();
            for (var n = 0; n < connections; n++) {
                all.add(threads.submit((Callable<Void>) () -> {
                    converse(left);
                    return null;
                }));
            }
            for (var each : all) {
                each.get();
            }
        } catch (ExecutionException e) {
            throw new IOException("a connection ended early: " + e.getCause(), e);
        }
    }

    private void converse(AtomicInteger left) throws IOException {
        try (var socket = new Socket(address.getHost(), address.getPort())) {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(READ_MILLIS);
            var buffer = new byte[BUFFER_BYTES];
            for (var next = left.getAndDecrement(); next > 0; next = left.getAndDecrement()) {
                socket.getOutputStream().write(requests.get(next % requests.size()));
                readAnswer(socket.getInputStream(), buffer);
            }
        }
    }

    private void readAnswer(InputStream answer, byte[] buffer) throws IOException {
        var read = 0;
        var end = -1;
        while (end < 0) {
            read += more(answer, buffer, read);
            end = new String(buffer, 0, read, StandardCharsets.ISO_8859_1).indexOf(END_OF_HEADERS);
        }
        var headers = new String(buffer, 0, end, StandardCharsets.ISO_8859_1);
        var left = lengthOf(headers) - (read - end - END_OF_HEADERS.length());
        while (left > 0) {
            left -= more(answer, buffer, 0);
        }
    }

    private static int more(InputStream answer, byte[] buffer, int from) throws IOException {
        var more = answer.read(buffer, from, buffer.length - from);
        if (more <= 0) {
            throw new EOFException("the answer ended early");
        }
        return more;
    }

    private int lengthOf(String headers) throws IOException {
        if (!headers.startsWith(expected)) {
            throw new IOException("unexpected answer: " + headers);
        }
        for (var line : headers.split("\r\n")) {
            if (line.regionMatches(true, 0, "Content-Length:", 0, 15)) {
                return Integer.parseInt(line.substring(15).strip());
            }
        }
        throw new IOException("an answer without its length: " + headers);
    }
}
