package dev.orrery.executor;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** What is to be started: a command, its environment and the folder in which it runs. */
record Launch(List<String> command, Map<String, String> environment, Path workingFolder) {

    Launch {
        command = List.copyOf(command);
    }
}
