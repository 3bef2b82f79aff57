package dev.orrery.executor;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What is to be started: a command, its environment and the folder in which it runs.
 *
 * @param needed what it reads at its start, besides the folder
 */
record Launch(List<String> command, Map<String, String> environment, Path workingFolder, List<Path> needed) {

    Launch {
        command = List.copyOf(command);
        needed = Stream.concat(Stream.of(workingFolder), needed.stream())
                .distinct()
                .toList();
    }

    /** The folder of the run, if the task has one. */
    Optional<Path> runFolder() {
        return Optional.ofNullable(environment.get(TaskEnvironment.RUN_DIR)).map(Path::of);
    }

    Launch(List<String> command, Map<String, String> environment, Path workingFolder) {
        this(command, environment, workingFolder, List.of());
    }
}
