/**
 * When jobs fire. A schedule's local times are computed on a calendar that knows no zones ({@link
 * dev.orrery.domain.job.CronExpression}) and then put on the time line by the rules of the zone ({@link
 * dev.orrery.domain.job.CronSchedule}), since a calendar that jumps while it searches loses days.
 *
 * <p>A {@link dev.orrery.domain.job.Schedule} says when a job is due, and {@link dev.orrery.domain.job.FirePlan} what is
 * done about it by then: late times are for the {@link dev.orrery.domain.job.MisfirePolicy} to pick from, and those that
 * are left are put one after the other to the {@link dev.orrery.domain.job.OverlapPolicy}. Both are functions of what is
 * kept of the job and of the time that the database tells; whoever leads comes to the same plan.
 */
@NullMarked
package dev.orrery.domain.job;

import org.jspecify.annotations.NullMarked;
