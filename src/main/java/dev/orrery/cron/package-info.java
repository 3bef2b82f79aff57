/** Cron expressions and crontabs: from text to {@link dev.orrery.domain.job.CronExpression}, or to what is wrong and why. */
@NullMarked
package dev.orrery.cron;

import org.jspecify.annotations.NullMarked;
