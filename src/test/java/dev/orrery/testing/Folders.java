package dev.orrery.testing;

import dev.orrery.store.StoreFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Temporary folders. */
final class Folders {

    private Folders() {}

    static void delete(Path folder) {
        try {
            StoreFiles.deleteTree(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Takes away what test runs left that were killed: their processes are gone. Folders of tests are called by this prefix and
     * the number of their process; others may take the same ones away at the same time.
     */
    static void removeLeftOvers(Path place, String prefix) throws IOException {
        try (var folders = Files.newDirectoryStream(place, prefix + "*-*")) {
            for (var folder : folders) {
                var pid = folder.getFileName()
                        .toString()
                        .substring(prefix.length())
                        .split("-", 2)[0];
                if (Files.isWritable(folder)
                        && ProcessHandle.of(Long.parseLong(pid)).isEmpty()) {
                    StoreFiles.deleteTree(folder);
                }
            }
        }
    }
}
