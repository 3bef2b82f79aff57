/**
 * Orrery, a task scheduler. The packages, from the top down; arrows point down only, and the build holds them:
 *
 * <pre>
 * cli            the commands of the jar
 * node           builds everything, deploys it, drains it in reverse
 * api            the REST contract, pages, health, metrics     engine.router, engine.worker, engine.scheduler
 * service        use cases: one store transaction, then a signal
 * dagfile, cron  YAML to a checked DAG            executor     how work is done: shell, python, http, handler
 * expression     filters and mappings of events
 * coordination   who is there and may work        bus          every message of the system
 * store          PostgreSQL: all tables, all SQL
 * config         what a node can be told          telemetry    what it counts
 * domain         pure values and rules               handler      for programs of users, and no concern of the rest
 * </pre>
 *
 * <p>The life of a run:
 *
 * <ol>
 *   <li>{@link dev.orrery.dagfile.DagFileParser} makes a {@link dev.orrery.domain.dag.DagDraft} of a file, or tells all its
 *       problems.
 *   <li>{@link dev.orrery.service.DagService} publishes it; {@link dev.orrery.store.DagRepository} writes the version, its
 *       tasks and its edges.
 *   <li>{@link dev.orrery.service.RunService} triggers a run; those of the same moment are created in one transaction by
 *       {@link dev.orrery.store.Batcher} and {@link dev.orrery.store.WorkRepository}, and a signal goes out. Or a schedule
 *       is due: {@link dev.orrery.service.JobFiring} does the same on the leader, under its epoch. Or an event was published:
 *       {@link dev.orrery.service.EventService} keeps it and creates the runs of all its handlers at once.
 *   <li>{@link dev.orrery.engine.router.RouterVerticle} wakes and claims what is most urgent and fits, under a fence.
 *   <li>It gives each claim to the least loaded {@link dev.orrery.engine.worker.WorkerVerticle}.
 *   <li>The worker runs it through a {@link dev.orrery.executor.TaskExecutor}; its log goes to the store as it comes.
 *   <li>What began and what ended is reported to the router, where {@link dev.orrery.domain.task.Verdict} decides what
 *       becomes of it.
 *   <li>The next exchange commits all reports that wait and claims the next tasks: {@code commit_and_claim} in
 *       {@code R__work.sql} releases dependents, skips what never can run, counts the run down, and writes the history.
 *   <li>A retry waits in {@code task_timers}; the router wakes it when it is due.
 *   <li>{@link dev.orrery.service.EventFeed} reads the history and feeds whoever watches.
 *   <li>When nothing of the run is left, the same transaction that ended its last task ends the run.
 *   <li>What a dead node had claimed is taken back when the next one joins: {@link dev.orrery.coordination.Membership}.
 * </ol>
 */
@NullMarked
package dev.orrery;

import org.jspecify.annotations.NullMarked;
