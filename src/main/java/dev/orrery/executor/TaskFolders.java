package dev.orrery.executor;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the node keeps what belongs to tasks.
 *
 * @param data the node's data folder
 * @param work where each attempt has a folder
 * @param runs where each run has one
 * @param tasks where relative paths of tasks begin, if that is configured
 */
record TaskFolders(Path data, Path work, Path runs, Optional<Path> tasks) {}
