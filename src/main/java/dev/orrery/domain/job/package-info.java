/**
 * When jobs fire. A schedule's local times are computed on a calendar that knows no zones ({@link
 * dev.orrery.domain.job.CronExpression}) and then put on the time line by the rules of the zone ({@link
 * dev.orrery.domain.job.CronSchedule}), since a calendar that jumps while it searches loses days.
 */
@NullMarked
package dev.orrery.domain.job;

import org.jspecify.annotations.NullMarked;
