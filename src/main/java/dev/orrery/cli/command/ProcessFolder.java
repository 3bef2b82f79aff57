package dev.orrery.cli.command;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.List;

/**
 * Where libraries unpack what they read from the jar, below the folder for temporary files. It is locked while the process
 * lives. A process that is killed leaves its folder behind: the next one removes those without a lock, a bounded number of them.
 */
public final class ProcessFolder implements AutoCloseable {

    private static final String PREFIX = "orrery-process-";
    private static final String UNLOCKED = "orrery-unlocked-";
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
        // It gets the name under which others look for it when it is locked already.
        var unlocked = TemporaryFolder.create(UNLOCKED);
        try {
            var lock = FileChannel.open(
                    unlocked.path().resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            lock.lock();
            var path = unlocked.path();
            var name = PREFIX + path.getFileName().toString().substring(UNLOCKED.length());
            var folder =
                    TemporaryFolder.at(Files.move(path, path.resolveSibling(name), StandardCopyOption.ATOMIC_MOVE));
            removeOrphans(folder.path());
            if (System.getProperty(UNPACKED) == null) {
                System.setProperty(UNPACKED, folder.path().resolve("unpacked").toString());
            }
            return new ProcessFolder(folder, lock);
        } catch (IOException e) {
            unlocked.remove();
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

    /** Not our own, whose lock a look at it would let go of. */
    private static void removeOrphans(Path own) throws IOException {
        var owner = Files.getOwner(own, NOFOLLOW_LINKS);
        for (var folder : left(requireNonNull(own.getParent(), "its place"))) {
            if (!folder.equals(own) && isOrphan(folder, owner)) {
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

    /** Whether a process of this account that is gone left it. What others put there under this name is none of ours. */
    private static boolean isOrphan(Path folder, UserPrincipal owner) {
        try {
            if (!Files.isDirectory(folder, NOFOLLOW_LINKS)
                    || !Files.getOwner(folder, NOFOLLOW_LINKS).equals(owner)) {
                return false;
            }
            try (var channel = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.WRITE, NOFOLLOW_LINKS)) {
                return channel.tryLock() != null;
            }
        } catch (IOException e) {
            // It is being removed by another process right now.
            return false;
        }
    }
}
