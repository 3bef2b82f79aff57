package dev.orrery.node;

import dev.orrery.config.OrreryConfig;
import dev.orrery.telemetry.LogSetup;
import java.nio.file.Path;
import java.util.LinkedHashMap;

/** Where a node writes. */
final class NodeFolders {

    private NodeFolders() {}

    /** {@code startDirectory}: where relative paths begin. */
    static DiskWatch watched(OrreryConfig config, Path startDirectory) {
        var folders = new LinkedHashMap<String, Path>();
        folders.put("node.data-dir", startDirectory.resolve(config.node().dataDir()));
        if (!config.tasks().runDirectory().isEmpty()) {
            folders.put(
                    "tasks.run-directory", startDirectory.resolve(config.tasks().runDirectory()));
        }
        LogSetup.folder().ifPresent(folder -> folders.put("the log", folder));
        return new DiskWatch(folders, config.health());
    }
}
