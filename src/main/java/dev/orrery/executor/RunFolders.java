package dev.orrery.executor;

import dev.orrery.domain.RunId;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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

    /** A way to go over all folders piece by piece. */
    Round round() {
        return new Round();
    }

    /** Goes over the folders again and again. One thread at a time; all blocks. */
    final class Round {

        private @Nullable DirectoryStream<Path> open;
        private Iterator<Path> rest = Collections.emptyIterator();

        /** The next runs that left a folder, fewer than the limit at the end of a round; other names are passed over. */
        // The stream stays open from one call to the next, and is closed at the end of the round.
        @SuppressWarnings("StreamResourceLeak")
        List<RunId> next(int limit) throws IOException {
            if (open == null) {
                if (!Files.isDirectory(parent)) {
                    return List.of();
                }
                open = Files.newDirectoryStream(parent);
                rest = open.iterator();
            }
            var found = new ArrayList<RunId>();
            try {
                while (found.size() < limit && rest.hasNext()) {
                    run(rest.next().getFileName().toString()).ifPresent(found::add);
                }
            } catch (DirectoryIteratorException e) {
                close(open);
                throw e.getCause();
            }
            if (found.size() < limit) {
                close(open);
            }
            return found;
        }

        private void close(DirectoryStream<Path> finished) throws IOException {
            open = null;
            finished.close();
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
