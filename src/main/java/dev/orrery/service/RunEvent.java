package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.TaskId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import java.time.Instant;
import java.util.Optional;

/** Something that happened in a run. Its {@code id} names the place after it, on any node: reading goes on from there. */
public sealed interface RunEvent {

    String id();

    /** A task has come into this state. */
    record Task(String id, TaskId taskId, TaskState state, int attempt, Optional<WorkerId> workerId, Instant at)
            implements RunEvent {

        public Task {
            requireNonNull(id, "id");
            requireNonNull(taskId, "taskId");
            requireNonNull(state, "state");
            requireNonNull(workerId, "workerId");
            requireNonNull(at, "at");
        }
    }

    /** An attempt that runs tells how far it has come, in percent. Only the latest is told, and of who reads slowly not each. */
    record Progress(String id, TaskId taskId, int attempt, int percent) implements RunEvent {

        public Progress {
            requireNonNull(id, "id");
            requireNonNull(taskId, "taskId");
        }
    }

    /** The run has come into this state. */
    record Run(String id, RunState state, Instant at) implements RunEvent {

        public Run {
            requireNonNull(id, "id");
            requireNonNull(state, "state");
            requireNonNull(at, "at");
        }
    }

    /** What happened in between is no longer known: forget what you knew; the state of everything follows as events. */
    record Reset(String id) implements RunEvent {

        public Reset {
            requireNonNull(id, "id");
        }
    }
}
