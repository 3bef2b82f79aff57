package dev.orrery.cli.command;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Where libraries unpack what they read from the jar, below the folder for temporary files. It is locked while the process
 * lives. A process that is killed leaves its folder behind: the next one removes those without a lock, a bounded number of them.
 */
public final class ProcessFolder implements AutoCloseable {

    private static final String PREFIX = "orrery-process-";
    private static final String LOCK = ".lock";

    /** Read by Vert.x when its first part is loaded. */
    private static final String UNPACKED = "vertx.cacheDirBase";

    /** Whoever kills hundreds of nodes in a row has the rest of their folders removed by the starts after the next one. */
    private static final int REMOVED_AT_ONCE = 100;

    private final TemporaryFolder folder;
    private final FileChannel lock;

    private ProcessFolder(TemporaryFolder folder, FileChannel lock) {
        this.folder = folder;
        this.lock = lock;
    }

    /**
     * Makes the folder of this process, once for each process and before a library unpacks anything.
     *
     * @throws dev.orrery.domain.StartupException where there is no room
     */
    public static ProcessFolder open() {
        var place = Path.of(System.getProperty("java.io.tmpdir"));
        removeOrphans(place);
        var folder = TemporaryFolder.create(PREFIX);
        try {
            var lock = FileChannel.open(
                    folder.path().resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            lock.lock();
            if (System.getProperty(UNPACKED) == null) {
                System.setProperty(UNPACKED, folder.path().resolve("unpacked").toString());
            }
            return new ProcessFolder(folder, lock);
        } catch (IOException e) {
            folder.remove();
            throw TemporaryFolder.cannotMake(e);
        }
    }

    @Override
    public void close() {
        folder.remove();
        try {
            lock.close();
        } catch (IOException e) {
            // The end of the process closes it.
            return;
        }
    }

    private static void removeOrphans(Path place) {
        for (var folder : left(place)) {
            if (isOrphan(folder)) {
                TemporaryFolder.at(folder).remove();
            }
        }
    }

    private static List<Path> left(Path place) {
        var found = new ArrayList<Path>();
        try (var folders = Files.newDirectoryStream(place, PREFIX + "*")) {
            for (var folder : folders) {
                if (found.size() == REMOVED_AT_ONCE) {
                    break;
                }
                found.add(folder);
            }
        } catch (IOException e) {
            // Making our own folder there tells what is wrong.
            return List.of();
        }
        return found;
    }

    /** Whether a process that is gone left it; one of another account cannot be opened, and is none of ours. */
    private static boolean isOrphan(Path folder) {
        if (!Files.isDirectory(folder, NOFOLLOW_LINKS)) {
            return false;
        }
        try (var channel = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.WRITE, NOFOLLOW_LINKS)) {
            return channel.tryLock() != null;
        } catch (IOException e) {
            // No lock file, for perhaps another process is making it right now; or of another account.
            return false;
        }
    }
}
