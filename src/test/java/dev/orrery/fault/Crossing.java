package dev.orrery.fault;

import dev.orrery.testing.Proxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * The way to one port of a node for its peers: each of them comes over a line of its own, which can be broken alone. Who
 * comes is told by the kernel: the process that has the other end of the connection.
 */
final class Crossing implements AutoCloseable {

    private final String host;
    private final int port;
    private final ServerSocket door;
    private final Supplier<Map<Long, String>> nodes;
    private final Map<String, Proxy> lines = new ConcurrentHashMap<>();

    /** Listens on {@code shownHost} for what listens on {@code host}; {@code nodes}: the names of processes. */
    Crossing(String shownHost, String host, int port, Supplier<Map<Long, String>> nodes) throws IOException {
        this.host = host;
        this.port = port;
        this.nodes = nodes;
        this.door = new ServerSocket(port, 50, InetAddress.getByName(shownHost));
        Thread.startVirtualThread(this::listen);
    }

    /** The line of the peer with this name. */
    Proxy from(String name) {
        return lines.computeIfAbsent(name, _ -> Proxy.withoutDoor(host, port));
    }

    private void listen() {
        while (!door.isClosed()) {
            try {
                var client = door.accept();
                Thread.startVirtualThread(
                        () -> from(nameOf(client).orElse("unknown")).admit(client));
            } catch (IOException _) {
                // The end.
            }
        }
    }

    private Optional<String> nameOf(Socket client) {
        return inodeOf(client)
                .flatMap(inode -> nodes.get().entrySet().stream()
                        .filter(node -> owns(node.getKey(), inode))
                        .map(Map.Entry::getValue)
                        .findFirst());
    }

    /** The kernel's number of the other end. */
    private static Optional<String> inodeOf(Socket client) {
        var from = ":%04X".formatted(client.getPort());
        var to = ":%04X".formatted(client.getLocalPort());
        for (var table : new String[] {"tcp6", "tcp"}) {
            try (var rows = Files.lines(Path.of("/proc/net/" + table))) {
                var inode = rows.map(row -> row.strip().split("\\s+"))
                        .filter(row -> row.length > 9 && row[1].endsWith(from) && row[2].endsWith(to))
                        .map(row -> row[9])
                        .findFirst();
                if (inode.isPresent()) {
                    return inode;
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return Optional.empty();
    }

    private static boolean owns(long pid, String inode) {
        try (var files = Files.newDirectoryStream(Path.of("/proc/" + pid + "/fd"))) {
            for (var file : files) {
                if (isSocket(file, inode)) {
                    return true;
                }
            }
        } catch (IOException _) {
            // It has ended meanwhile.
        }
        return false;
    }

    private static boolean isSocket(Path file, String inode) {
        try {
            return Files.readSymbolicLink(file).toString().equals("socket:[" + inode + "]");
        } catch (IOException _) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        door.close();
        for (var line : lines.values()) {
            line.close();
        }
    }
}
