package dev.orrery.service;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.store.Batcher;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.TaskInstanceRepository;
import dev.orrery.store.TaskInstanceRepository.InputsOf;
import dev.orrery.store.TaskInstanceRepository.StoredInputs;
import io.vertx.core.Future;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/** What attempts are given when they begin, read much at once and held within bounds. From any thread. */
public final class TaskGifts {

    /** The most that a task can be given, in bytes. */
    private static final long INPUT_BYTES_MAX = 8 << 20;

    /** Up to here nobody waits for room. */
    private static final long FEW_INPUT_BYTES = 64 << 10;

    /** Tasks begin many at a time, and each reads little. */
    private static final Batcher.Limits READS =
            new Batcher.Limits(32, 32 * FEW_INPUT_BYTES, 2, 10_000, 10_000 * FEW_INPUT_BYTES);

    private final TaskInstanceRepository tasks;
    private final IntFunction<Future<PublishedDag>> versions;
    private final Batcher<InputsOf, StoredInputs> few;
    private final InputRoom room;

    /**
     * @param versions finds a DAG version by its row
     * @param bytes how much of what tasks are given may be in memory at once
     */
    public TaskGifts(TaskInstanceRepository tasks, IntFunction<Future<PublishedDag>> versions, long bytes) {
        this.tasks = tasks;
        this.versions = versions;
        this.room = new InputRoom(bytes);
        this.few = new Batcher<>(
                "inputs of tasks",
                READS,
                _ -> FEW_INPUT_BYTES,
                asked -> tasks.inputs(asked, FEW_INPUT_BYTES),
                StoreFailures::isLasting);
    }

    /**
     * What a task is given: the params of its run, or its own input, and the outputs of its dependencies. Waits while others hold what there
     * is of room; fails with {@code PAYLOAD_TOO_LARGE} where it is more than a task can be given.
     */
    public Future<Given> of(TaskAssignment assignment) {
        if (assignment.input().isPresent()) {
            return Future.succeededFuture(new Given(assignment.input().get(), Optional.empty(), Map.of(), () -> {}));
        }
        if (assignment.instanceId().isSingle()) {
            return read(InputsOf.single(assignment.instanceId()));
        }
        if (assignment.taskDefinition().type() instanceof TaskType.Handler) {
            return read(InputsOf.sentBack(assignment.instanceId()));
        }
        return versions.apply(assignment.versionId()).compose(dag -> {
            Map<TaskInstanceId, TaskId> upstreams = new HashMap<>();
            for (var number : dag.graph().upstreams(assignment.instanceId().taskNumber() - 1)) {
                upstreams.put(
                        TaskInstanceId.of(assignment.runId(), number + 1),
                        dag.definition().tasks().get(number).id());
            }
            return read(InputsOf.run(assignment.runId(), assignment.instanceId(), upstreams));
        });
    }

    private Future<Given> read(InputsOf asked) {
        return few.add(asked)
                .compose(found -> found.bytes() <= FEW_INPUT_BYTES
                        ? Future.succeededFuture(new Given(found.params(), found.own(), found.outputs(), () -> {}))
                        : readLarge(asked, found.bytes()));
    }

    private Future<Given> readLarge(InputsOf asked, long bytes) {
        if (bytes > INPUT_BYTES_MAX) {
            return Future.failedFuture(
                    new OrreryException(
                            ErrorCode.PAYLOAD_TOO_LARGE,
                            "the params of the run and the outputs of the task's dependencies have " + bytes
                                    + " bytes together, more than the " + INPUT_BYTES_MAX
                                    + " that a task can be given; hand large data on in $ORRERY_RUN_DIR and output where it is"));
        }
        // Its text, and what it becomes on its way into a file.
        return room.enter(2 * bytes)
                .compose(leave -> tasks.inputs(List.of(asked), INPUT_BYTES_MAX)
                        .map(List::getFirst)
                        .map(all -> new Given(all.params(), all.own(), all.outputs(), leave))
                        .onFailure(_ -> leave.run()));
    }

    /**
     * The params of a run and the outputs of a task's dependencies; {@code letGo} when they are no longer needed.
     *
     * @param own what the task is given instead of its input, or of the params where it has none: it was sent back with it
     */
    public record Given(Json params, Optional<Json> own, Map<TaskId, Json> outputs, Runnable letGo) {}
}
