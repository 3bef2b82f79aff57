package dev.orrery.executor;

import dev.orrery.domain.Json;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Snoozed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.domain.task.FailureKind.NamedError;
import dev.orrery.domain.task.SnoozeRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * The output of a process that ended well: the file {@code $ORRERY_OUTPUT} if there is anything in it, else the last
 * line of stdout that begins with {@code ::output }, else null. Output that cannot be taken fails the attempt, and
 * another try would give the same. Where a line of stdout begins with {@code ::snooze }, the last such line says when the task is to
 * be run again, and there is no output yet.
 */
final class AttemptOutput {

    private static final NamedError BAD = new NamedError("BadOutput");
    private static final String FILE = "the file $ORRERY_OUTPUT";
    private static final String LINE = "the ::output line";

    private AttemptOutput() {}

    /** Whether a file is one that the task may hand on. */
    @FunctionalInterface
    interface Own {
        boolean test(Path file) throws IOException;
    }

    /** {@code mask}: hides what may not be told; lines were masked as they came. */
    static AttemptOutcome of(AttemptFolder folder, Own own, OutputLineWatch line, SecretMask mask) {
        if (line.snooze().isPresent()) {
            return snoozed(line.snooze().get());
        }
        var file = folder.output();
        try {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                var attributes = Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                if (!attributes.isRegularFile()) {
                    return new Failed(FILE + " is not a regular file", false, BAD);
                }
                if (!own.test(file)) {
                    return new Failed(FILE + " belongs to another account", false, BAD);
                }
                if (attributes.size() > 0) {
                    var bytes = readBounded(file);
                    mask.hide(bytes, 0, bytes.length);
                    return read(FILE, bytes);
                }
            }
        } catch (IOException e) {
            return new Failed(FILE + " cannot be read: " + e, false, BAD);
        }
        var payload = line.payload();
        return payload == null ? new Succeeded(Json.NULL) : read(LINE, payload);
    }

    private static AttemptOutcome snoozed(String text) {
        return SnoozeRule.parse(text)
                .<AttemptOutcome>map(Snoozed::new)
                .orElseGet(() -> new Failed(
                        "the ::snooze line says '" + LogText.clean(text) + "': " + SnoozeRule.bounds(), false, BAD));
    }

    private static AttemptOutcome read(String where, byte[] bytes) {
        if (bytes.length > OutputJson.LIMIT) {
            return new Failed(
                    where + " has more than " + OutputJson.LIMIT / 1024
                            + " KiB; hand large data on in $ORRERY_RUN_DIR and output where it is",
                    false,
                    BAD);
        }
        return switch (OutputJson.read(bytes)) {
            case OutputJson.Reading.Value(var json) -> new Succeeded(json);
            case OutputJson.Reading.Unreadable(var reason) -> new Failed(where + " is not JSON: " + reason, false, BAD);
        };
    }

    /** At most one byte more than may be: the file can grow while it is read. */
    private static byte[] readBounded(Path file) throws IOException {
        try (var stream = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            return stream.readNBytes(OutputJson.LIMIT + 1);
        }
    }
}
