package dev.orrery.config;

import java.nio.file.Path;

/**
 * What a node is called and where it keeps its data.
 *
 * @param name shown to people; empty: the host's name
 * @param dataDir the folder of the embedded database and of the files that tasks hand on
 */
public record NodeConfig(String name, Path dataDir) {

    public static final NodeConfig DEFAULT = new NodeConfig("", Path.of(System.getProperty("user.home"), ".orrery"));

    public NodeConfig {
        Settings.NODE_NAME.check(name);
        Settings.NODE_DATA_DIR.check(dataDir.toString());
    }
}
