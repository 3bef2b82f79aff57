package dev.orrery.domain.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.job.FirePlan.Reason;
import dev.orrery.domain.job.FirePlan.Skip;
import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class FirePlanTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    @Test
    void whatIsDueNowFiresAndTheNextTimeIsPlanned() {
        var plan = latest(every(60), NOON, NOON.plusMillis(3), false);

        assertThat(plan).isEqualTo(new FirePlan(Optional.of(NOON), Optional.of(NOON.plusSeconds(60)), List.of()));
    }

    @Test
    void ofTimesThatPassedTheLastOneFiresAndTheOthersAreRecorded() {
        var plan = latest(every(60), NOON, NOON.plusSeconds(200), false);

        assertThat(plan.fire()).contains(NOON.plusSeconds(180));
        assertThat(plan.next()).contains(NOON.plusSeconds(240));
        assertThat(plan.skips())
                .containsExactly(new Skip(NOON, NOON.plusSeconds(120), OptionalInt.of(3), Reason.MISFIRE));
    }

    @Test
    void whileTheExecutionBeforeRunsNothingFires() {
        var plan = latest(every(60), NOON, NOON.plusSeconds(70), true);

        assertThat(plan.fire()).isEmpty();
        assertThat(plan.next()).contains(NOON.plusSeconds(120));
        assertThat(plan.skips())
                .containsExactly(
                        new Skip(NOON, NOON, OptionalInt.of(1), Reason.MISFIRE),
                        new Skip(NOON.plusSeconds(60), NOON.plusSeconds(60), OptionalInt.of(1), Reason.OVERLAP));
    }

    @Test
    void aYearOfMissedSecondsIsComputedAndNotSteppedThrough() {
        var asked = new AtomicInteger();
        Function<Instant, Optional<Instant>> schedule = after -> {
            asked.incrementAndGet();
            return every(1).apply(after);
        };
        var now = NOON.plus(Duration.ofDays(365)).plusMillis(400);

        var plan = latest(schedule, NOON, now, false);

        assertThat(plan.fire()).contains(NOON.plus(Duration.ofDays(365)));
        assertThat(plan.skips())
                .containsExactly(new Skip(
                        NOON, NOON.plus(Duration.ofDays(365)).minusSeconds(1), OptionalInt.empty(), Reason.MISFIRE));
        assertThat(asked).hasValueLessThan(1_200);
    }

    @Test
    void aJobThatWasJustRegisteredIsDueNextAndNotBefore() {
        var everyDay = new DaysOfMonth(0xffff_fffe, Set.of(), Set.of(), false, true);
        var everyWeekday = new Weekdays(0x7f, Set.of(), Set.of(), true);
        var midnight = new CronExpression(1, 1, 1, 0x1ffe, everyDay, everyWeekday, true);

        var daily = new CronSchedule(List.of(midnight), ZoneOffset.UTC);
        var plan = FirePlan.first(daily, NOON);

        assertThat(plan)
                .isEqualTo(new FirePlan(Optional.empty(), Optional.of(NOON.plusSeconds(12 * 3_600)), List.of()));
    }

    @Test
    void whatIsNeverDueAgainHasNoNextTime() {
        assertThat(latest(_ -> Optional.empty(), NOON, NOON, false))
                .isEqualTo(new FirePlan(Optional.of(NOON), Optional.empty(), List.of()));
    }

    @Test
    void everyDueTimeFiresOrIsRecordedWheneverTheSchedulerIsAsked() {
        Seeded.forAll(random -> {
            var times = new ArrayList<Instant>();
            var time = NOON;
            for (var n = 0; n < 60; n++) {
                times.add(time);
                time = time.plusSeconds(random.nextInt(1, random.nextInt(2, 5_000)));
            }
            Function<Instant, Optional<Instant>> schedule =
                    after -> times.stream().filter(each -> each.isAfter(after)).findFirst();
            var due = Optional.of(times.getFirst());
            var seen = new ArrayList<Instant>();
            while (due.isPresent()) {
                var now = due.get().plusMillis(random.nextInt(10_000_000));
                var plan = latest(schedule, due.get(), now, random.nextInt(3) == 0);
                for (var skip : plan.skips()) {
                    var skipped = times.stream()
                            .filter(each -> !each.isBefore(skip.first()) && !each.isAfter(skip.last()))
                            .toList();
                    assertThat(skip.count()).hasValue(skipped.size());
                    seen.addAll(skipped);
                }
                plan.fire().ifPresent(seen::add);
                assertThat(seen).allSatisfy(each -> assertThat(each).isBeforeOrEqualTo(now));
                due = plan.next();
                due.ifPresent(next -> assertThat(next).isAfter(now));
            }
            assertThat(seen).isEqualTo(times);
        });
    }

    private static FirePlan latest(
            Function<Instant, Optional<Instant>> schedule, Instant due, Instant now, boolean isRunning) {
        return FirePlan.of(schedule, FirePolicy.LATEST, JobTimer.due(due, isRunning), now);
    }

    private static Function<Instant, Optional<Instant>> every(int seconds) {
        return after -> Optional.of(
                Instant.ofEpochSecond(Math.floorDiv(after.getEpochSecond(), seconds) * (long) seconds + seconds));
    }
}
