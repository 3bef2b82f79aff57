package dev.orrery.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.random.RandomGenerator;

/**
 * Ports for the servers of tests, which nobody takes between the asking and the listening. A port the system itself
 * picks may a moment later be that of an outgoing connection, or of a test in another JVM. These lie below the range
 * the system picks from, and each JVM has a block of its own, held by listening on the block's first port.
 */
public final class Ports {

    private static final int FIRST = 10_200;
    private static final int BLOCK_SIZE = 200;
    private static final int BLOCKS = 110;

    private static final ServerSocket BLOCK = claimBlock();
    private static int given;

    private Ports() {}

    /** A port of loopback on which nobody listens. */
    public static int free() {
        return free("127.0.0.1");
    }

    /** A port of this address on which nobody listens; the one given longest ago comes again first. */
    public static synchronized int free(String host) {
        for (var tries = 1; tries < BLOCK_SIZE; tries++) {
            var port = BLOCK.getLocalPort() + 1 + given++ % (BLOCK_SIZE - 1);
            if (isFree(host, port)) {
                return port;
            }
        }
        throw new AssertionError("all ports from " + BLOCK.getLocalPort() + " on are taken");
    }

    private static boolean isFree(String host, int port) {
        try (var _ = listen(host, port)) {
            return true;
        } catch (IOException _) {
            return false;
        }
    }

    private static ServerSocket listen(String host, int port) throws IOException {
        var socket = new ServerSocket();
        try {
            socket.bind(new InetSocketAddress(InetAddress.getByName(host), port), 1);
            return socket;
        } catch (IOException taken) {
            socket.close();
            throw taken;
        }
    }

    private static ServerSocket claimBlock() {
        var start = RandomGenerator.getDefault().nextInt(BLOCKS);
        for (var n = 0; n < BLOCKS; n++) {
            try {
                return listen("127.0.0.1", FIRST + (start + n) % BLOCKS * BLOCK_SIZE);
            } catch (IOException _) {
                // another JVM's block
            }
        }
        throw new AssertionError("every block of ports is held");
    }
}
