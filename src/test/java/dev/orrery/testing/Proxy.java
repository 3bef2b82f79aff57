package dev.orrery.testing;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A network between a client and a server that fails as it is told to. */
public final class Proxy implements AutoCloseable {

    /** ReadyForQuery outside a transaction: what was asked is done and committed. */
    private static final byte[] READY = {'Z', 0, 0, 0, 5, 'I'};

    private final String host;
    private final int port;
    private final @Nullable ServerSocket listener;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final Set<Line> lines = ConcurrentHashMap.newKeySet();

    private boolean isCut;
    private boolean isSilent;
    private Duration delay = Duration.ZERO;
    private int heldBack;
    private byte @Nullable [] marker;

    public Proxy(String host, int port) throws IOException {
        this(host, port, new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
        Thread.startVirtualThread(() -> listen(requireNonNull(listener)));
    }

    private Proxy(String host, int port, @Nullable ServerSocket listener) {
        this.host = host;
        this.port = port;
        this.listener = listener;
    }

    /** One that listens nowhere: its clients are handed to it by {@link #admit}. */
    public static Proxy withoutDoor(String host, int port) {
        return new Proxy(host, port, null);
    }

    public int port() {
        return requireNonNull(listener).getLocalPort();
    }

    /** From now on all is well; what was held back flows on. */
    public synchronized void pass() {
        isCut = false;
        isSilent = false;
        delay = Duration.ZERO;
        notifyAll();
    }

    /** From now on nothing comes through, and nobody is told. */
    public synchronized void blackHole() {
        isSilent = true;
    }

    /** The connections that are open now carry requests but never again an answer, and nobody is told; new ones are whole. */
    public synchronized void loseAnswers() {
        lines.forEach(line -> line.losesAnswers = true);
    }

    /** The connections that are open now carry nothing more, and nobody is told; new ones are whole. */
    public synchronized void lose() {
        lines.forEach(line -> {
            line.losesAnswers = true;
            line.losesRequests = true;
        });
    }

    /** From now on whatever comes, in either direction, takes so much longer. */
    public synchronized void delay(Duration time) {
        delay = time;
    }

    /** Cuts every connection, and each new one at once. */
    public synchronized void cut() {
        isCut = true;
        sockets.forEach(Proxy::close);
    }

    /** As {@link #cut}, but both sides are told of a reset instead of an end. */
    public synchronized void reset() {
        isCut = true;
        // All of them first: where one side is closed, its line closes the other.
        sockets.forEach(Proxy::resetWhenClosed);
        sockets.forEach(Proxy::close);
    }

    /** The connections that are open now carry their next request to its end and are cut instead of the answer; new ones are whole. */
    public synchronized void cutNextAnswers() {
        lines.forEach(line -> line.cutsNextAnswer = true);
    }

    /** The next request that holds this text is passed on and carried out; instead of its answer the line is cut. */
    public synchronized void cutAnswerTo(String text) {
        marker = text.getBytes(StandardCharsets.UTF_8);
    }

    /** Whether an answer was cut off as asked. */
    public synchronized boolean hasCutAnswer() {
        return marker == null;
    }

    private void listen(ServerSocket door) {
        while (!door.isClosed()) {
            try {
                admit(door.accept());
            } catch (IOException _) {
                // The end.
            }
        }
    }

    /** Connects a client; it is cut off where the server does not listen. */
    public void admit(Socket client) {
        sockets.add(client);
        try {
            if (isCut()) {
                drop(client);
            } else {
                new Line(client, new Socket(host, port)).open();
            }
        } catch (IOException _) {
            drop(client);
        }
    }

    private void drop(Socket socket) {
        sockets.remove(socket);
        close(socket);
    }

    private synchronized boolean isCut() {
        return isCut;
    }

    /** Whether something has come that is not let through. */
    public synchronized boolean holdsBack() {
        return heldBack > 0;
    }

    private synchronized void holdBack() {
        heldBack++;
        while (isSilent) {
            try {
                wait();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        heldBack--;
    }

    private void slowDown() throws InterruptedIOException {
        Duration time;
        synchronized (this) {
            time = delay;
        }
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            throw new InterruptedIOException(e.getMessage());
        }
    }

    private synchronized boolean isMarked(byte[] request) {
        return marker != null && contains(request, marker);
    }

    private synchronized void answered() {
        marker = null;
    }

    private final class Line {

        private final Socket client;
        private final Socket server;
        private volatile boolean swallowsAnswer;
        private volatile boolean losesRequests;
        private volatile boolean losesAnswers;
        private volatile boolean cutsNextAnswer;

        private Line(Socket client, Socket server) {
            this.client = client;
            this.server = server;
            sockets.add(server);
            lines.add(this);
        }

        private void open() {
            Thread.startVirtualThread(() -> pump(client, server, true));
            Thread.startVirtualThread(() -> pump(server, client, false));
        }

        private void pump(Socket from, Socket to, boolean isRequest) {
            try (from;
                    to) {
                carry(from.getInputStream(), to.getOutputStream(), isRequest);
            } catch (IOException _) {
                // A cut line: both ends are closed here.
            } finally {
                lines.remove(this);
                sockets.remove(from);
                sockets.remove(to);
            }
        }

        private void carry(InputStream in, OutputStream out, boolean isRequest) throws IOException {
            var buffer = new byte[1 << 16];
            for (var count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                var chunk = Arrays.copyOf(buffer, count);
                slowDown();
                holdBack();
                if (!isRequest && cutsNextAnswer) {
                    return;
                }
                if (isRequest ? losesRequests : losesAnswers) {
                    continue;
                }
                if (isRequest) {
                    swallowsAnswer |= isMarked(chunk);
                } else if (swallowsAnswer) {
                    if (contains(chunk, READY)) {
                        answered();
                        return;
                    }
                    continue;
                }
                out.write(chunk);
                out.flush();
            }
        }
    }

    private static boolean contains(byte[] bytes, byte[] part) {
        for (var start = 0; start + part.length <= bytes.length; start++) {
            if (Arrays.equals(bytes, start, start + part.length, part, 0, part.length)) {
                return true;
            }
        }
        return false;
    }

    private static void resetWhenClosed(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
        } catch (IOException _) {
            // It is closed already.
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        if (listener != null) {
            listener.close();
        }
        cut();
        pass();
    }
}
