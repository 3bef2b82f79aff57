package dev.orrery.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.Locale;

/** A connection on which anything may be sent. */
final class RawHttp implements AutoCloseable {

    private static final int LIMIT_MILLIS = 20_000;

    private final Socket socket;

    RawHttp(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(LIMIT_MILLIS);
    }

    RawHttp send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(ISO_8859_1));
        socket.getOutputStream().flush();
        return this;
    }

    /** Whether a further byte can be sent; false once the other side has hung up. */
    boolean trySend(String text) {
        try {
            send(text);
            return true;
        } catch (IOException _) {
            return false;
        }
    }

    /** Reads until an answer with a body of a known length is complete. */
    String answer() throws IOException {
        var read = new ByteArrayOutputStream();
        while (!complete(read.toString(ISO_8859_1))) {
            var next = socket.getInputStream().read();
            if (next < 0) {
                throw new IOException("hung up after: " + read.toString(ISO_8859_1));
            }
            read.write(next);
        }
        return read.toString(ISO_8859_1);
    }

    private static boolean complete(String text) {
        var head = text.indexOf("\r\n\r\n");
        if (head < 0) {
            return false;
        }
        var lower = text.substring(0, head).toLowerCase(Locale.ROOT);
        var at = lower.indexOf("content-length:");
        var length =
                at < 0 ? 0 : Integer.parseInt(lower.substring(at + 15).strip().split("\\s")[0]);
        return text.length() >= head + 4 + length;
    }

    /** Reads to the end of the connection. */
    String untilClosed() throws IOException {
        try {
            return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
        } catch (SocketException _) {
            return "";
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
