package dev.orrery.cli.command;

import java.io.IOException;
import java.util.List;

/**
 * Where libraries unpack what they read from the jar, below the folder for temporary files. The next process removes what those
 * that were killed have left there, folders of trials too.
 */
public final class ProcessFolder implements AutoCloseable {

    private static final String PREFIX = "orrery-process-";

    /** Read by Vert.x when its first part is loaded. */
    private static final String UNPACKED = "vertx.cacheDirBase";

    private final LockedFolder folder;

    private ProcessFolder(LockedFolder folder) {
        this.folder = folder;
    }

    /**
     * Makes the folder of this process, once for each process and before a library unpacks anything.
     *
     * @throws dev.orrery.domain.StartupException where there is no room
     */
    public static ProcessFolder open() {
        var folder = LockedFolder.create(PREFIX);
        try {
            for (var prefix : List.of(PREFIX, Trial.PREFIX)) {
                folder.removeOrphans(prefix);
            }
            folder.removeUnlocked();
        } catch (IOException e) {
            folder.close();
            throw TemporaryFolder.cannotMake(e);
        }
        if (System.getProperty(UNPACKED) == null) {
            System.setProperty(UNPACKED, folder.path().resolve("unpacked").toString());
        }
        return new ProcessFolder(folder);
    }

    @Override
    public void close() {
        folder.close();
    }
}
