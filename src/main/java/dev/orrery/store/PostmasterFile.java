package dev.orrery.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What a server writes into {@code postmaster.pid} of its data directory while it runs. */
record PostmasterFile(long pid, boolean ready) {

    private static final int PID_LINE = 0;
    private static final int STATUS_LINE = 7;

    /** Empty when there is none, or when it is being written. */
    static Optional<PostmasterFile> read(Path data) {
        try {
            var lines = Files.readAllLines(data.resolve("postmaster.pid"));
            var pid = Long.parseLong(lines.get(PID_LINE).strip());
            return Optional.of(new PostmasterFile(
                    pid,
                    lines.size() > STATUS_LINE && lines.get(STATUS_LINE).strip().equals("ready")));
        } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }
}
