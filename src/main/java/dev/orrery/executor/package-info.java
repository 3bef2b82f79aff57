/**
 * How the work of a task is done: one {@link dev.orrery.executor.TaskExecutor} for each kind of task.
 *
 * <p>The worker decides when: it starts an {@link dev.orrery.executor.Execution}, watches the task's timeout, and calls
 * {@link dev.orrery.executor.Execution#stop()} at a timeout or a cancel. An executor knows nothing of retries, timeouts
 * or states; it reports that the attempt succeeded, with its output, or failed, with an error and whether another try
 * could go better.
 *
 * <p>Everything an attempt says goes to its {@link dev.orrery.executor.AttemptLog}, from any thread; the log is bounded
 * and stores itself in chunks through a {@link dev.orrery.executor.LogSink} while the attempt runs.
 */
@NullMarked
package dev.orrery.executor;

import org.jspecify.annotations.NullMarked;
