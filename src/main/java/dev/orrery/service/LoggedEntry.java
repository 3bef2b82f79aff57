package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.TaskId;
import dev.orrery.domain.task.LogEntry;

/** An entry of the log of an attempt at a task. */
public record LoggedEntry(TaskId task, int attempt, LogEntry entry) {

    public LoggedEntry {
        requireNonNull(task, "task");
        requireNonNull(entry, "entry");
    }
}
