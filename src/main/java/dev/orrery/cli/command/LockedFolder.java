package dev.orrery.cli.command;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * A folder of this process below the one for temporary files, locked while the process lives. One that is killed leaves its folder
 * behind, without a lock: by that others find it.
 */
final class LockedFolder implements AutoCloseable {

    private static final String UNLOCKED = "orrery-unlocked-";
    private static final String LOCK = ".lock";

    /** A living process locks its folder within milliseconds; one so old has nobody who will. */
    private static final Duration SURELY_LEFT = Duration.ofHours(1);

    /** Whoever kills hundreds of nodes in a row has the rest of their folders removed by the starts after the next one. */
    private static final int REMOVED_AT_ONCE = 100;

    private final TemporaryFolder folder;
    private final FileChannel lock;

    private LockedFolder(TemporaryFolder folder, FileChannel lock) {
        this.folder = folder;
        this.lock = lock;
    }

    /** Makes one whose name begins so; throws StartupException where there is no room. */
    static LockedFolder create(String prefix) {
        // It gets the name under which others look for it when it is locked already.
        var unlocked = TemporaryFolder.create(UNLOCKED);
        try {
            var lock = FileChannel.open(
                    unlocked.path().resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            lock.lock();
            var path = unlocked.path();
            var name = prefix + path.getFileName().toString().substring(UNLOCKED.length());
            return new LockedFolder(
                    TemporaryFolder.at(Files.move(path, path.resolveSibling(name), StandardCopyOption.ATOMIC_MOVE)),
                    lock);
        } catch (IOException e) {
            unlocked.remove();
            throw TemporaryFolder.cannotMake(e);
        }
    }

    Path path() {
        return folder.path();
    }

    /** Removes the folder, but keeps it locked; may be called again, and by any thread. */
    void remove() {
        folder.remove();
    }

    @Override
    public void close() {
        remove();
        try {
            lock.close();
        } catch (IOException e) {
            // The end of the process closes it.
            return;
        }
    }

    /** Removes those that dead processes of this account have left where this one is, a bounded number of them. */
    void removeOrphans(String prefix) throws IOException {
        var owner = Files.getOwner(path(), NOFOLLOW_LINKS);
        for (var other : left(requireNonNull(path().getParent(), "its place"), prefix)) {
            // Not our own, whose lock a look at it would let go of.
            if (!other.equals(path()) && isOrphan(other, owner)) {
                TemporaryFolder.at(other).remove();
            }
        }
    }

    /**
     * Removes those that processes of this account have left which died before they had locked theirs. A living one may be
     * about to: only what is old by the clock of the file system goes.
     */
    void removeUnlocked() throws IOException {
        var owner = Files.getOwner(path(), NOFOLLOW_LINKS);
        var now = Files.getLastModifiedTime(path(), NOFOLLOW_LINKS).toInstant();
        for (var other : left(requireNonNull(path().getParent(), "its place"), UNLOCKED)) {
            if (isOld(other, now) && (isOrphan(other, owner) || isWithoutLock(other, owner))) {
                TemporaryFolder.at(other).remove();
            }
        }
    }

    private static boolean isOld(Path folder, Instant now) {
        try {
            var changed = Files.getLastModifiedTime(folder, NOFOLLOW_LINKS).toInstant();
            return changed.plus(SURELY_LEFT).isBefore(now);
        } catch (IOException e) {
            // It has got its name, or is being removed.
            return false;
        }
    }

    /** Whether a process of this account died before it had made the file of the lock. */
    private static boolean isWithoutLock(Path folder, UserPrincipal owner) throws IOException {
        try {
            return Files.isDirectory(folder, NOFOLLOW_LINKS)
                    && Files.getOwner(folder, NOFOLLOW_LINKS).equals(owner)
                    && Files.notExists(folder.resolve(LOCK), NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            // It is being removed by another process right now.
            return false;
        }
    }

    private static List<Path> left(Path place, String prefix) {
        var found = new ArrayList<Path>();
        try (var folders = Files.newDirectoryStream(place, prefix + "*")) {
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
