package dev.orrery.config;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.Problem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;

/** Configurations from files, variables and flags. */
abstract class ConfigTestBase {

    @TempDir
    Path folder;

    static String line(Problem problem) {
        return problem.path() + " " + problem.message()
                + problem.help().map(help -> " (" + help + ")").orElse("");
    }

    LoadedConfig load(Optional<Path> file, Map<String, String> environment, ConfigFlag... flags) {
        return ConfigLoader.load(new ConfigSources(file, environment, List.of(flags)));
    }

    List<Problem> problems(Optional<Path> file, Map<String, String> environment, ConfigFlag... flags) {
        return catchThrowableOfType(ConfigException.class, () -> load(file, environment, flags))
                .problems();
    }

    Path file(String yaml) {
        try {
            return Files.writeString(folder.resolve("node.yaml"), yaml);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
