package dev.orrery.executor;

import dev.orrery.domain.RunId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

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

    /** The runs that left a folder, at most so many; whatever else lies there is passed over. Blocks. */
    public List<RunId> list(int limit) throws IOException {
        if (!Files.isDirectory(parent)) {
            return List.of();
        }
        try (var folders = Files.list(parent)) {
            return folders.map(folder -> folder.getFileName().toString())
                    .flatMap(name -> run(name).stream())
                    .limit(limit)
                    .toList();
        }
    }

    private static Optional<RunId> run(String name) {
        try {
            return Optional.of(RunId.parse(name));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /** Removes what a run left; blocks while it does. */
    public void remove(RunId run) throws IOException {
        FolderRemoval.remove(parent.resolve(run.toString()));
    }
}
