package dev.orrery.executor;

import dev.orrery.domain.RunId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The folders in which the tasks of a run hand on files: one for each run, made when the first task needs it. */
public final class RunFolders {

    private final Path parent;

    public RunFolders(Path parent) {
        this.parent = parent;
    }

    /** The run's folder, which is there afterwards. */
    Path open(RunId run) throws IOException {
        var folder = parent.resolve(run.toString());
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(folder, WorkRoot.OWNER_ONLY);
        }
        return folder;
    }

    /** Removes what a run left; blocks while it does. */
    public void remove(RunId run) throws IOException {
        FolderRemoval.remove(parent.resolve(run.toString()));
    }
}
