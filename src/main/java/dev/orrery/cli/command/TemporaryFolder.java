package dev.orrery.cli.command;

import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** A folder of our own that is removed with all that is in it. */
final class TemporaryFolder implements AutoCloseable {

    private final Path path;

    private TemporaryFolder(Path path) {
        this.path = path;
    }

    static TemporaryFolder create(String prefix) {
        try {
            return new TemporaryFolder(Files.createTempDirectory(prefix));
        } catch (IOException full) {
            throw cannotMake(full);
        }
    }

    /** One that another process has left. */
    static TemporaryFolder at(Path path) {
        return new TemporaryFolder(path);
    }

    static StartupException cannotMake(IOException why) {
        return new StartupException(
                "cannot make a folder in " + System.getProperty("java.io.tmpdir") + " (" + why.getMessage()
                        + "): make room there, or name another with -Djava.io.tmpdir",
                why);
    }

    Path path() {
        return path;
    }

    @Override
    public void close() {
        remove();
    }

    /** Removes what can be removed; may be called again. Links are removed, not followed. */
    void remove() {
        try {
            Files.walkFileTree(path, new Removal());
        } catch (IOException left) {
            // What cannot be removed from a folder for temporary files is removed by whoever looks after it.
            return;
        }
    }

    private static final class Removal extends SimpleFileVisitor<Path> {

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException because) {
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException because) throws IOException {
            Files.deleteIfExists(folder);
            return FileVisitResult.CONTINUE;
        }
    }
}
