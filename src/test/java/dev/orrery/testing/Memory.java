package dev.orrery.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * The file system that lies in memory, where there is one with room. A database is over a thousand files, and a disk takes longer
 * to make and delete them than most tests last. A process that is killed loses as little there as on a disk.
 *
 * <p>As a factory it puts the folders of tests there, of those that start nodes of their own above all.
 */
public final class Memory implements TempDirFactory {

    private static final Path PLACE = Path.of("/dev/shm");
    private static final long ROOM_NEEDED = 4L << 30;
    private static final String FOLDER = "orrery-test-folder-";

    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws Exception {
        var place = place();
        return place.isPresent() && Programs.MAY_RUN
                ? Files.createTempDirectory(
                        place.get(), FOLDER + ProcessHandle.current().pid() + "-")
                : Standard.INSTANCE.createTempDirectory(element, context);
    }

    /** Where it is; empty when there is none, or it has no room. */
    static Optional<Path> place() {
        try {
            return Optional.of(PLACE).filter(place -> Files.isWritable(place) && hasRoom(place));
        } catch (UncheckedIOException unreadable) {
            return Optional.empty();
        }
    }

    private static boolean hasRoom(Path place) {
        try {
            var store = Files.getFileStore(place);
            return store.type().equals("tmpfs") && store.getUsableSpace() >= ROOM_NEEDED;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Containers often mount it so that nothing in it can be run; asked once, and left-overs are removed then. */
    private static final class Programs {
        static final boolean MAY_RUN = mayRun();

        private static boolean mayRun() {
            try {
                Folders.removeLeftOvers(PLACE, FOLDER);
                var program = Files.createTempFile(
                        PLACE,
                        FOLDER,
                        ".sh",
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                try {
                    Files.writeString(program, "#!/bin/sh\nexit 0\n");
                    return new ProcessBuilder(program.toString()).start().waitFor() == 0;
                } finally {
                    Files.delete(program);
                }
            } catch (IOException forbidden) {
                return false;
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }
}
