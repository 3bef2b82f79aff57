package dev.orrery.executor;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds what tasks name by paths: relative ones begin at {@code tasks.directory}. What is missing is said with its full path. */
final class TaskPaths {

    private final Path tasksDirectory;

    TaskPaths(Path tasksDirectory) {
        this.tasksDirectory = tasksDirectory;
    }

    Path workingFolder(Optional<String> configured, Path home) {
        if (configured.isEmpty()) {
            return home;
        }
        var folder = resolve("workingDirectory", configured.get());
        if (!Files.isDirectory(folder)) {
            throw missing("workingDirectory", configured.get(), folder, "there is no such folder");
        }
        return folder;
    }

    Path script(String configured) {
        var file = resolve("script", configured);
        if (!Files.isRegularFile(file)) {
            throw missing("script", configured, file, "there is no such file");
        }
        if (!Files.isReadable(file)) {
            throw missing("script", configured, file, "the node may not read it");
        }
        return file;
    }

    Path virtualEnvPython(String configured) {
        var folder = resolve("virtualEnv", configured);
        if (!Files.isDirectory(folder)) {
            throw missing("virtualEnv", configured, folder, "there is no such folder; 'python3 -m venv' makes one");
        }
        var python = folder.resolve("bin").resolve("python");
        if (!Files.isExecutable(python)) {
            throw missing("virtualEnv", configured, python, "it has no executable bin/python");
        }
        return python;
    }

    /** The interpreter as the task's own PATH finds it. */
    static Path python3(String path) {
        return Stream.of(path.split(":"))
                .filter(folder -> folder.startsWith("/"))
                .map(folder -> Path.of(folder, "python3"))
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst()
                .orElseThrow(() -> new CannotStart("there is no python3 on this node's PATH for tasks (" + path
                        + "); install it, or name a virtualEnv"));
    }

    private Path resolve(String field, String configured) {
        try {
            return tasksDirectory.resolve(configured).normalize();
        } catch (InvalidPathException e) {
            throw new CannotStart(field + " '" + LogText.clean(configured) + "' cannot be a path on this node ("
                    + e.getReason() + "); names beyond ASCII need a node that runs with LANG=C.UTF-8 or the like");
        }
    }

    private CannotStart missing(String field, String configured, Path full, String what) {
        var where =
                configured.startsWith("/") ? full.toString() : full + " (tasks.directory is " + tasksDirectory + ")";
        return new CannotStart(field + " '" + configured + "': " + what + " at " + where);
    }
}
