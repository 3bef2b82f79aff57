package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import java.util.List;

/** A run with all its tasks, in the order of the DAG file. */
public record RunStatus(RunSummary run, Json params, List<TaskStatus> tasks) {

    public RunStatus {
        requireNonNull(run, "run");
        requireNonNull(params, "params");
        tasks = List.copyOf(tasks);
    }
}
