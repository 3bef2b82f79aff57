package dev.orrery.store;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps a data folder to one process. The kernel lets go of the lock when its holder dies, however it dies; the file
 * stays, and names the holder.
 */
final class FolderLock implements AutoCloseable {

    private static final String FILE = "orrery.lock";

    /** Closing any channel of a file drops the lock of the whole process, so within it we must not open it twice. */
    private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();

    private final Path file;
    private final FileChannel channel;

    private FolderLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    static FolderLock acquire(Path folder) throws IOException {
        var file = folder.toRealPath().resolve(FILE);
        if (!HELD_HERE.add(file)) {
            throw inUse(folder, ProcessHandle.current().pid() + ", this one");
        }
        var held = false;
        var channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            held = channel.tryLock() != null;
            if (!held) {
                throw inUse(folder, Files.readString(file).strip());
            }
            channel.truncate(0);
            channel.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
            return new FolderLock(file, channel);
        } finally {
            if (!held) {
                channel.close();
                HELD_HERE.remove(file);
            }
        }
    }

    private static StartupException inUse(Path folder, String holder) {
        return new StartupException("the data folder " + folder + " is in use by another node (process " + holder
                + "): stop that one, or choose another folder with --data-dir");
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            System.getLogger(FolderLock.class.getName()).log(WARNING, "event=lock_not_closed file=" + file, e);
        } finally {
            HELD_HERE.remove(file);
        }
    }
}
