/**
 * Claims ready tasks for this node's workers and commits what they report.
 *
 * <p>The router lives on exchanges: one round trip that commits a batch of starts and results and claims what fits. At
 * most two are under way; what is reported meanwhile waits and goes together in the next one, so that the busier the node
 * is the larger its batches are, with no timer.
 *
 * <p>It claims the free slots and what will start within the lead time at the rate at which tasks have lately ended,
 * never more than the workers' queues hold: what stays in the database can still be overtaken by something more urgent.
 *
 * <p><b>The parts.</b> {@link dev.orrery.engine.router.RouterVerticle} hears signals, polls, and takes turns: whenever
 * something has ended or changed it looks what is due next. The parts share one event loop and need no locks:
 *
 * <ul>
 *   <li>{@code Memory}: {@code HeldClaims} knows which worker has which claim, {@code ReportBuffer} what is not committed
 *       yet, {@code Appetite} how much to claim;
 *   <li>{@code Intake} takes the workers' reports and passes the verdicts;
 *   <li>{@code Exchanger} commits and claims; {@code Assigner} gives what was claimed to the workers;
 *   <li>{@code Reconciler} compares memory with the database; {@code Pause} holds back after failures;
 *   <li>{@code Stopper} ends attempts that are cancelled or no longer ours; {@code RetryAlarm} wakes retries; {@code
 *       Generations} keeps claims cheap;
 *   <li>{@code Drainer} ends it all.
 * </ul>
 *
 * <p><b>Failures.</b> An exchange whose answer is lost is told again: a report counts once under its fence, however often
 * it is told. Claims that were made in it but never heard of are found by reconciling: after every failed exchange and
 * every ten seconds the claims in the database are compared with those in memory; what only the database knows is handed
 * back, what only memory knows is stopped. A batch that the database refuses for good is halved until the culprit is
 * alone, and that one ends failed. A worker that does not take its tasks loses them: they are handed back and it is told
 * to stop them. If the process dies, the next node on this database hands back what it held.
 */
@NullMarked
package dev.orrery.engine.router;

import org.jspecify.annotations.NullMarked;
