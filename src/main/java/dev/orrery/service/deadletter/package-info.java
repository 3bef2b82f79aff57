/**
 * Dead letters: tasks that were given up, and what people decide about them.
 *
 * <p><b>Overview.</b> A task that ends {@code failed} or {@code timed_out} leaves a dead letter in the transaction that ends it, so
 * there is no final failure without a letter and no letter without one. The letter holds what went wrong; the task's definition,
 * input, attempts and outputs stand where they always do and are deleted with the letter, never before. Its fingerprint is what stays
 * of the error when ids, numbers and quoted values are taken out: a thousand letters of one cause are one group.
 *
 * <p><b>States.</b> A letter is {@code open} until its task is sent back ({@code redriven}; a retry by hand does the same) or
 * somebody decides that it stays as it is ({@code discarded}). Neither changes any more, but that a retry by hand makes a
 * discarded letter a redriven one. A task that fails again leaves a new letter, with a later attempt, so the letters of a task
 * tell how often it was sent back, by whom, and what came of it; {@code dead-letters.max-redrives} limits how often.
 *
 * <p>A single task is ready again, with what was cancelled because of it. A task of a run takes its run along: the run is
 * {@code running} again, what was skipped because of the task is blocked again, unless another task before it did not
 * succeed either, and the run's counts are taken anew from the states of its tasks. Retries and lost nodes are counted anew.
 *
 * <p><b>Many at once.</b> What is asked of many letters is a row: which letters, as they stood when, at what rate, and how far it
 * has come. {@code DeadLetterVerticle} of any node goes on with it in bounded transactions, each of which redrives some letters
 * and moves the request behind them. It goes by ids, which are times, from the oldest to the last that was there when it was
 * asked: what fails again meanwhile is younger, and not taken twice.
 *
 * <p><b>Failure.</b> A node that is lost in the middle leaves a transaction that never was; the next bite, of any node, begins where
 * the last one ended. The message that something was asked only makes it begin at once: who misses it looks every second. A letter
 * that can not be sent back (its run was cancelled, its unique key is taken, it reached the limit) stays as it is and is counted.
 */
@NullMarked
package dev.orrery.service.deadletter;

import org.jspecify.annotations.NullMarked;
