package dev.orrery.store;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Copies what a server says into a file of at most 4 MiB, keeping one file before it, and remembers the last lines.
 * When the disk is full the lines are dropped: the server must never wait for its log.
 */
final class ServerLog {

    static final long FILE_LIMIT = 4L << 20;
    private static final int LINES_KEPT = 50;

    private final Path file;
    private final Deque<String> last = new ArrayDeque<>();
    private final Thread copier;

    private ServerLog(InputStream in, Path file) {
        this.file = file;
        this.copier = Thread.ofPlatform().daemon().name("orrery-postgres-log").unstarted(() -> copyAll(in));
    }

    static ServerLog copy(InputStream in, Path file) {
        var log = new ServerLog(in, file);
        log.copier.start();
        return log;
    }

    /** The line that says why the server ended, as far as it said so. */
    String failure() {
        var lines = lines();
        return lines.reversed().stream()
                        .filter(line -> line.contains("FATAL:") || line.contains("PANIC:"))
                        .findFirst()
                        .or(() -> lines.reversed().stream().findFirst())
                        .map(StoreErrors::bare)
                        .orElse("it said nothing")
                + " (its log: " + file + ")";
    }

    /** Whether it could not have its port. */
    boolean portTaken() {
        return lines().stream().anyMatch(line -> line.contains("could not create any TCP/IP sockets"));
    }

    /** Waits, within a limit, until the last line of an ended server is written. */
    void close() {
        try {
            copier.join(Duration.ofSeconds(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private List<String> lines() {
        synchronized (last) {
            return List.copyOf(last);
        }
    }

    private void copyAll(InputStream in) {
        try (var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            var writer = new BoundedFile(file);
            for (var line = reader.readLine(); line != null; line = reader.readLine()) {
                synchronized (last) {
                    last.addLast(line);
                    if (last.size() > LINES_KEPT) {
                        last.removeFirst();
                    }
                }
                writer.write(line);
            }
            writer.close();
        } catch (IOException e) {
            synchronized (last) {
                last.addLast(e.toString());
            }
        }
    }

    /** Appends lines; a full file becomes the file before. */
    private static final class BoundedFile {
        private final Path path;
        private OutputStream out = OutputStream.nullOutputStream();
        private long size;

        BoundedFile(Path path) {
            this.path = path;
            open();
        }

        void write(String line) {
            var bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
            try {
                if (size + bytes.length > FILE_LIMIT) {
                    close();
                    Files.move(
                            path, path.resolveSibling(path.getFileName() + ".1"), StandardCopyOption.REPLACE_EXISTING);
                    open();
                }
                out.write(bytes);
                size += bytes.length;
            } catch (IOException e) {
                size = 0; // dropped; see above
            }
        }

        void close() throws IOException {
            out.close();
        }

        private void open() {
            try {
                Files.createDirectories(path.getParent());
                out = Files.newOutputStream(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                size = Files.size(path);
            } catch (IOException e) {
                out = OutputStream.nullOutputStream();
            }
        }
    }
}
