package dev.orrery.executor;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The folder under which this process keeps the folders of its attempts. It is locked while the process lives; those
 * without a lock were left by dead ones, and are removed at the start.
 */
final class WorkRoot {

    static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private static final FileAttribute<Set<PosixFilePermission>> OWNER_READS =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private static final System.Logger LOG = System.getLogger(WorkRoot.class.getName());
    private static final String LOCK = ".lock";

    private final Path path;
    private final FileChannel lockFile;

    private WorkRoot(Path path, FileChannel lockFile) {
        this.path = path;
        this.lockFile = lockFile;
    }

    /** Makes a root of its own in this folder; throws UncheckedIOException where it cannot. */
    static WorkRoot open(Path parent) {
        try {
            Files.createDirectories(parent, OWNER_ONLY);
            removeOrphans(parent);
            // Its name is found nowhere else: processes of this root are known by it.
            var path = Files.createDirectory(parent.resolve(UUID.randomUUID().toString()), OWNER_ONLY);
            var lockFile = FileChannel.open(path.resolve(LOCK), Set.of(CREATE, WRITE), OWNER_READS);
            if (lockFile.tryLock() == null) {
                throw new IOException("cannot lock " + path.resolve(LOCK));
            }
            return new WorkRoot(path, lockFile);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make the folder for tasks in " + parent, e);
        }
    }

    Path path() {
        return path;
    }

    void close() {
        remove(path);
        try {
            lockFile.close();
        } catch (IOException e) {
            LOG.log(WARNING, "cannot close the lock of " + path, e);
        }
    }

    /** Removes a folder with all it holds; what cannot be removed is left and said. */
    static void remove(Path folder) {
        try {
            FolderRemoval.remove(folder);
        } catch (IOException e) {
            LOG.log(WARNING, "cannot remove " + folder, e);
        }
    }

    private static void removeOrphans(Path parent) throws IOException {
        try (var roots = Files.newDirectoryStream(parent, Files::isDirectory)) {
            for (var root : roots) {
                if (isOrphan(root)) {
                    remove(root);
                }
            }
        }
    }

    private static boolean isOrphan(Path root) {
        var file = root.resolve(LOCK);
        if (!Files.exists(file)) {
            // Perhaps another process is making it right now; its next start will see.
            return false;
        }
        try (var channel = FileChannel.open(file, WRITE)) {
            @Nullable FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException _) {
            return false;
        } catch (IOException e) {
            LOG.log(WARNING, "cannot tell whether " + root + " is in use", e);
            return false;
        }
    }
}
