/**
 * Real nodes under faults, and the checker that judges what came of it.
 *
 * <p>The suite starts a cluster of real processes, keeps it under a steady load, does one harm after
 * another to it and lets it heal. {@link dev.orrery.fault.Checker} then reads three records that were kept apart: what
 * clients were told, the history that the database wrote in the transactions of the changes, and the file to which the
 * tasks' own processes appended. Whatever the three cannot agree on is a {@link dev.orrery.fault.Violation}. The checker
 * knows nothing of how the product works: it has an idea of its own of what may follow what.
 */
@NullMarked
package dev.orrery.fault;

import org.jspecify.annotations.NullMarked;
