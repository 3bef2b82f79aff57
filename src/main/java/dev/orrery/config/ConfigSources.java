package dev.orrery.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where a configuration comes from, weakest first: what none of them sets has its default.
 *
 * @param file a YAML file
 * @param environment variables: those that begin with {@code ORRERY_} set something
 * @param flags from the command line; the last one wins
 */
public record ConfigSources(Optional<Path> file, Map<String, String> environment, List<ConfigFlag> flags) {

    public ConfigSources {
        environment = Map.copyOf(environment);
        flags = List.copyOf(flags);
    }
}
