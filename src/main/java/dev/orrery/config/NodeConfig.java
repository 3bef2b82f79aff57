package dev.orrery.config;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

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
        requireNonNull(name, "name");
        requireNonNull(dataDir, "dataDir");
        require(name.length() <= 255, "node.name must have at most 255 characters");
    }
}
