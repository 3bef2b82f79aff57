package dev.orrery.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;

/** The clock on the wall as processes see it that are started with {@link #environment}: off by what was last said, from that moment on. */
public final class FakeClock {

    /** Debian's libfaketime, for processes of many threads. */
    private static final Path LIBRARY = Path.of("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1");

    private final Path file;

    /** One that is right at first; its file lies in this folder. */
    public FakeClock(Path folder) {
        Needed.that(Files.exists(LIBRARY), "libfaketime is not installed: apt-get install libfaketime");
        file = folder.resolve("clock");
        set(Duration.ZERO);
    }

    public void set(Duration ahead) {
        try {
            // Another account may have to read it, and nobody may find it half written.
            var next = Files.writeString(file.resolveSibling("clock.next"), "%+d".formatted(ahead.toSeconds()));
            Files.setPosixFilePermissions(next, PosixFilePermissions.fromString("rw-r--r--"));
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What passes, and what is waited for, is left as it is. */
    public Map<String, String> environment() {
        return Map.of(
                "LD_PRELOAD",
                LIBRARY.toString(),
                "FAKETIME_TIMESTAMP_FILE",
                file.toString(),
                "FAKETIME_NO_CACHE",
                "1",
                "FAKETIME_DONT_FAKE_MONOTONIC",
                "1",
                "DONT_FAKE_MONOTONIC",
                "1");
    }
}
