/** Cron expressions: from text to {@link dev.orrery.domain.job.CronExpression}, or to the field that is wrong and why. */
@NullMarked
package dev.orrery.cron;

import org.jspecify.annotations.NullMarked;
