package dev.orrery.domain.job;

import static dev.orrery.domain.job.MisfirePolicy.FIRE_ALL;
import static dev.orrery.domain.job.MisfirePolicy.FIRE_ONCE;
import static dev.orrery.domain.job.OverlapPolicy.ALLOW;
import static dev.orrery.domain.job.OverlapPolicy.CANCEL_PREVIOUS;
import static dev.orrery.domain.job.OverlapPolicy.QUEUE_ONE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.WireNamed;
import dev.orrery.domain.job.FirePlan.Reason;
import dev.orrery.domain.job.FirePlan.Skip;
import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FirePolicyTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final Schedule MINUTELY = new Interval(Duration.ofMinutes(1), NOON.minusSeconds(60));
    private static final Schedule SECONDLY = new Interval(Duration.ofSeconds(1), NOON.minusSeconds(1));
    private static final Duration YEAR = Duration.ofDays(365);

    @ParameterizedTest
    @EnumSource(MisfirePolicy.class)
    void whatIsNotLateFiresWhateverThePolicyForMisfires(MisfirePolicy misfire) {
        var policy = FirePolicy.of(misfire, ALLOW);

        var plan = FirePlan.of(MINUTELY, policy, JobTimer.due(NOON, false), NOON.plusSeconds(60));

        assertThat(plan.fires()).containsExactly(NOON, minutes(1));
        assertThat(plan.skips()).isEmpty();
        assertThat(plan.next()).contains(minutes(2));
    }

    @Test
    void ofTheLateOnesTheLastFiresWhereNoneIsOnTime() {
        var hourly = new Interval(Duration.ofHours(1), NOON.minusSeconds(3_600));
        var policy = FirePolicy.of(FIRE_ONCE, ALLOW);

        var plan = FirePlan.of(hourly, policy, JobTimer.due(NOON, false), NOON.plusSeconds(2 * 3_600 + 61));

        assertThat(plan.fires()).containsExactly(NOON.plusSeconds(7_200));
        assertThat(plan.skips()).containsExactly(misfires(NOON, NOON.plusSeconds(3_600), 2));
        assertThat(plan.next()).contains(NOON.plusSeconds(3 * 3_600));
    }

    @Test
    void ofTheLateOnesNoneFiresWhereOneIsOnTime() {
        var plan = FirePlan.of(
                MINUTELY, FirePolicy.of(FIRE_ONCE, ALLOW), JobTimer.due(NOON, false), NOON.plusSeconds(10 * 60 + 30));

        assertThat(plan.fires()).containsExactly(minutes(10));
        assertThat(plan.skips()).containsExactly(misfires(NOON, minutes(9), 10));
    }

    @Test
    void allThatAreLateFireTheOldestFirstAndSomeAtATime() {
        var fired = new ArrayList<Instant>();
        var due = Optional.of(NOON);
        var now = minutes(49).plusSeconds(30);
        var sizes = new ArrayList<Integer>();

        while (due.filter(time -> !time.isAfter(now)).isPresent()) {
            var plan = FirePlan.of(
                    MINUTELY, FirePolicy.of(FIRE_ALL, ALLOW), JobTimer.due(due.orElseThrow(), !fired.isEmpty()), now);
            assertThat(plan.skips()).isEmpty();
            fired.addAll(plan.fires());
            sizes.add(plan.fires().size());
            due = plan.next();
            assertThat(plan.isDone(now)).isEqualTo(fired.size() == 50);
        }

        assertThat(fired)
                .isEqualTo(
                        IntStream.range(0, 50).mapToObj(FirePolicyTest::minutes).toList());
        assertThat(sizes).containsExactly(20, 20, 10);
        assertThat(due).contains(minutes(50));
        assertThat(new FirePlan(Optional.empty(), Optional.of(now), List.of()).isDone(now))
                .isFalse();
    }

    @Test
    void ofMoreThanAHundredThatAreLateTheNewestFireAndTheOthersAreRecorded() {
        var now = minutes(500).minusSeconds(1);

        var plan = FirePlan.of(MINUTELY, FirePolicy.of(FIRE_ALL, ALLOW), JobTimer.due(NOON, false), now);

        assertThat(plan.skips()).containsExactly(misfires(NOON, minutes(398), 399));
        assertThat(plan.fires()).hasSize(FirePlan.FIRES_AT_ONCE).startsWith(minutes(399));
        assertThat(plan.next()).contains(minutes(419));
    }

    @Test
    void whereMissedTimesAreSkippedNoneOfThemFiresAndAllAreRecorded() {
        var plan = FirePlan.of(
                MINUTELY,
                FirePolicy.of(MisfirePolicy.SKIP, ALLOW),
                JobTimer.due(NOON, false),
                minutes(10).plusSeconds(30));

        assertThat(plan.fires()).containsExactly(minutes(10));
        assertThat(plan.skips()).containsExactly(misfires(NOON, minutes(9), 10));
    }

    @ParameterizedTest
    @EnumSource(MisfirePolicy.class)
    void aYearOfMissedSecondsIsComputedAndNotSteppedThrough(MisfirePolicy misfire) {
        var asked = new AtomicInteger();
        Function<Instant, Optional<Instant>> schedule = after -> {
            asked.incrementAndGet();
            return SECONDLY.next(after);
        };
        var now = NOON.plus(YEAR);
        var kept = misfire == FIRE_ALL ? 100 : 0;

        var plan = FirePlan.of(schedule, FirePolicy.of(misfire, ALLOW), JobTimer.due(NOON, false), now);

        assertThat(plan.fires()).hasSize(20).startsWith(now.minusSeconds(60 + kept));
        assertThat(plan.skips())
                .containsExactly(new Skip(NOON, now.minusSeconds(61 + kept), OptionalInt.empty(), Reason.MISFIRE));
        assertThat(asked).hasValueLessThan(5_000);
    }

    @Test
    void whatIsNotYetDueStaysAsItIs() {
        for (var overlap : OverlapPolicy.values()) {
            var plan =
                    FirePlan.of(MINUTELY, FirePolicy.of(FIRE_ALL, overlap), JobTimer.due(minutes(5), true), minutes(2));

            assertThat(plan).isEqualTo(new FirePlan(Optional.empty(), Optional.of(minutes(5)), List.of()));
        }
    }

    @Test
    void whileAnotherRunsAllowedOnesFire() {
        var plan = ask(ALLOW, JobTimer.due(NOON, true), NOON);

        assertThat(plan).isEqualTo(new FirePlan(Optional.of(NOON), Optional.of(minutes(1)), List.of()));
    }

    @Test
    void whileAnotherRunsTheOthersAreSkipped() {
        var plan = ask(OverlapPolicy.SKIP, JobTimer.due(NOON, true), NOON);

        assertThat(plan)
                .isEqualTo(new FirePlan(Optional.empty(), Optional.of(minutes(1)), List.of(overlaps(NOON, NOON, 1))));
    }

    @Test
    void ofSeveralThatAreOnTimeOneFiresAndTheOthersOverlapIt() {
        var plan = FirePlan.of(SECONDLY, FirePolicy.DEFAULT, JobTimer.due(NOON, false), NOON.plusSeconds(4));

        assertThat(plan.fires()).containsExactly(NOON);
        assertThat(plan.skips()).containsExactly(overlaps(NOON.plusSeconds(1), NOON.plusSeconds(4), 4));
        assertThat(plan.next()).contains(NOON.plusSeconds(5));
    }

    @Test
    void oneIsHeldWhileAnotherRunsAndLaterOnesAreSkippedUntilItHasFired() {
        var first = ask(QUEUE_ONE, JobTimer.due(NOON, true), NOON);
        assertThat(first)
                .isEqualTo(new FirePlan(List.of(), false, Optional.of(NOON), Optional.of(minutes(1)), List.of()));

        var second = ask(QUEUE_ONE, new JobTimer(first.next(), first.held(), true, OptionalLong.empty()), minutes(1));
        assertThat(second.fires()).isEmpty();
        assertThat(second.held()).contains(NOON);
        assertThat(second.skips()).containsExactly(overlaps(minutes(1), minutes(1), 1));

        var ended = minutes(1).plusSeconds(20);
        var third = ask(QUEUE_ONE, new JobTimer(second.next(), second.held(), false, OptionalLong.empty()), ended);
        assertThat(third).isEqualTo(new FirePlan(Optional.of(NOON), Optional.of(minutes(2)), List.of()));
    }

    @Test
    void aHeldTimeFiresHoweverLateAndWhatIsDueMeanwhileIsHeldNext() {
        var timer = new JobTimer(Optional.of(minutes(59)), Optional.of(NOON), false, OptionalLong.empty());

        var plan = ask(QUEUE_ONE, timer, minutes(60));

        assertThat(plan.fires()).containsExactly(NOON);
        assertThat(plan.held()).contains(minutes(59));
        assertThat(plan.skips()).containsExactly(overlaps(minutes(60), minutes(60), 1));
    }

    @Test
    void aJobIsNotCompletedWhileItsLastTimeIsHeld() {
        var once = new Once(NOON);
        var policy = FirePolicy.of(FIRE_ONCE, QUEUE_ONE);

        var held = FirePlan.of(once, policy, JobTimer.due(NOON, true), NOON);
        assertThat(held.next()).isEmpty();
        assertThat(held.isCompleted()).isFalse();

        var still = FirePlan.of(
                once, policy, new JobTimer(held.next(), held.held(), true, OptionalLong.empty()), minutes(1));
        assertThat(still).isEqualTo(held);

        var ended = FirePlan.of(
                once, policy, new JobTimer(still.next(), still.held(), false, OptionalLong.empty()), minutes(60));
        assertThat(ended.fires()).containsExactly(NOON);
        assertThat(ended.isCompleted()).isTrue();
    }

    @Test
    void aTimeHeldUnderAPolicyThatWasChangedIsTreatedByTheNewOne() {
        var timer = new JobTimer(Optional.of(minutes(9)), Optional.of(NOON), true, OptionalLong.empty());

        var skip = ask(OverlapPolicy.SKIP, timer, minutes(9));
        assertThat(skip.fires()).isEmpty();
        assertThat(skip.held()).isEmpty();
        assertThat(skip.skips()).containsExactly(overlaps(NOON, NOON, 1), overlaps(minutes(9), minutes(9), 1));

        assertThat(ask(ALLOW, timer, minutes(9)).fires()).containsExactly(NOON, minutes(9));

        assertThat(ask(CANCEL_PREVIOUS, timer, minutes(8)))
                .isEqualTo(new FirePlan(List.of(NOON), true, Optional.empty(), Optional.of(minutes(9)), List.of()));
        var cancel = ask(CANCEL_PREVIOUS, timer, minutes(9));
        assertThat(cancel.fires()).containsExactly(minutes(9));
        assertThat(cancel.skips()).containsExactly(overlaps(NOON, NOON, 1));
    }

    @Test
    void theNewestFiresAndWhatRunsIsCancelled() {
        var now = minutes(2).plusSeconds(1);

        var plan = ask(CANCEL_PREVIOUS, JobTimer.due(minutes(2), true), now);
        assertThat(plan)
                .isEqualTo(
                        new FirePlan(List.of(minutes(2)), true, Optional.empty(), Optional.of(minutes(3)), List.of()));

        var several = FirePlan.of(
                SECONDLY, FirePolicy.of(FIRE_ONCE, CANCEL_PREVIOUS), JobTimer.due(NOON, false), NOON.plusSeconds(3));
        assertThat(several.fires()).containsExactly(NOON.plusSeconds(3));
        assertThat(several.cancelsPrevious()).isFalse();
        assertThat(several.skips()).containsExactly(overlaps(NOON, NOON.plusSeconds(2), 3));
    }

    @Test
    void whatIsNotDueCancelsNothing() {
        assertThat(ask(CANCEL_PREVIOUS, JobTimer.due(minutes(1), true), NOON).cancelsPrevious())
                .isFalse();
    }

    @Test
    void afterItsLastExecutionAJobIsCompleted() {
        var two = new JobTimer(Optional.of(NOON), Optional.empty(), false, OptionalLong.of(2));
        var now = NOON.plusSeconds(4);

        var allowed = FirePlan.of(SECONDLY, FirePolicy.of(FIRE_ONCE, ALLOW), two, now);
        assertThat(allowed.fires()).containsExactly(NOON, NOON.plusSeconds(1));
        assertThat(allowed.isCompleted()).isTrue();
        assertThat(allowed.skips()).isEmpty();

        var queued = FirePlan.of(SECONDLY, FirePolicy.of(FIRE_ONCE, QUEUE_ONE), two, now);
        assertThat(queued.fires()).containsExactly(NOON);
        assertThat(queued.held()).contains(NOON.plusSeconds(1));
        assertThat(queued.next()).isEmpty();
        assertThat(queued.isCompleted()).isFalse();
        assertThat(queued.skips()).isEmpty();

        var skipped = FirePlan.of(SECONDLY, FirePolicy.DEFAULT, two, now);
        assertThat(skipped.skips()).containsExactly(overlaps(NOON.plusSeconds(1), now, 4));
        assertThat(skipped.next()).contains(NOON.plusSeconds(5));
    }

    @Test
    void aSkippedTimeIsNoExecution() {
        var one = new JobTimer(Optional.of(NOON), Optional.empty(), true, OptionalLong.of(1));

        assertThat(ask(OverlapPolicy.SKIP, one, NOON).next()).contains(minutes(1));
    }

    @Test
    void whereNoExecutionRemainsNothingFires() {
        for (var overlap : OverlapPolicy.values()) {
            var none = new JobTimer(Optional.of(NOON), Optional.of(NOON.minusSeconds(60)), false, OptionalLong.of(0));

            assertThat(ask(overlap, none, minutes(9)))
                    .isEqualTo(new FirePlan(Optional.empty(), Optional.empty(), List.of()));
        }
    }

    @ParameterizedTest
    @EnumSource(MisfirePolicy.class)
    void aSingleTimeThatWasOverWhenItWasRegisteredFiresAtOnce(MisfirePolicy misfire) {
        var policy = FirePolicy.of(misfire, OverlapPolicy.SKIP);
        var bounded = new Bounded(new Once(NOON), Bounds.NONE, ZoneOffset.UTC);

        for (var schedule : List.of(new Once(NOON), bounded)) {
            var plan = FirePlan.first(schedule, policy, JobTimer.due(NOON.plus(YEAR), false), NOON.plus(YEAR));

            assertThat(plan.fires()).containsExactly(NOON);
            assertThat(plan.skips()).isEmpty();
            assertThat(plan.isCompleted()).isTrue();
        }
    }

    @Test
    void whatIsPlannedAnewKeepsWhatRunsAndWhatIsHeldAndHowOftenItMayFire() {
        var running = new JobTimer(Optional.of(NOON), Optional.of(NOON), true, OptionalLong.of(1));

        var held = FirePlan.first(MINUTELY, FirePolicy.of(FIRE_ONCE, QUEUE_ONE), running, NOON);

        assertThat(held).isEqualTo(new FirePlan(List.of(), false, Optional.of(NOON), Optional.empty(), List.of()));
    }

    @Test
    void aSingleTimeThatPassedAfterItWasRegisteredIsAMisfire() {
        var policy = FirePolicy.of(MisfirePolicy.SKIP, OverlapPolicy.SKIP);

        var plan = FirePlan.first(new Once(NOON), policy, JobTimer.due(NOON.minusSeconds(1), false), minutes(10));

        assertThat(plan.fires()).isEmpty();
        assertThat(plan.skips()).containsExactly(misfires(NOON, NOON, 1));
        assertThat(plan.isCompleted()).isTrue();
    }

    @Test
    void aSingleTimeOnAnExcludedDateCompletesItsJobWithoutFiring() {
        var excluded = new Bounds(
                Optional.empty(), Optional.empty(), Set.of(LocalDate.parse("2026-03-01")), OptionalLong.empty());
        var bounded = new Bounded(new Once(NOON), excluded, ZoneOffset.UTC);

        var plan = FirePlan.first(bounded, FirePolicy.DEFAULT, JobTimer.due(NOON.plus(YEAR), false), NOON.plus(YEAR));

        assertThat(plan).isEqualTo(new FirePlan(Optional.empty(), Optional.empty(), List.of()));
    }

    @Test
    void whatCameDueBetweenTheRegistrationAndTheFirstPlanIsNotForgotten() {
        var registered = JobTimer.due(minutes(3).plusSeconds(10), false);

        var soon = FirePlan.first(
                MINUTELY, FirePolicy.DEFAULT, registered, minutes(3).plusSeconds(11));
        assertThat(soon).isEqualTo(new FirePlan(Optional.empty(), Optional.of(minutes(4)), List.of()));

        var late = FirePlan.first(
                MINUTELY, FirePolicy.DEFAULT, registered, minutes(9).plusSeconds(11));
        assertThat(late.fires()).containsExactly(minutes(9));
        assertThat(late.skips()).containsExactly(misfires(minutes(4), minutes(8), 5));
    }

    @Test
    void severalTimesAtOnceAreNotTakenForOne() {
        var plan =
                FirePlan.of(SECONDLY, FirePolicy.of(FIRE_ONCE, ALLOW), JobTimer.due(NOON, false), NOON.plusSeconds(1));

        assertThatThrownBy(plan::fire)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("several due times fire at once");
    }

    @Test
    void policiesHaveNamesOnTheWireAndDefaults() {
        assertThat(Stream.of(MisfirePolicy.values()).map(WireNamed::wireName))
                .containsExactly("fire_once", "fire_all", "skip");
        assertThat(Stream.of(OverlapPolicy.values()).map(WireNamed::wireName))
                .containsExactly("allow", "skip", "queue_one", "cancel_previous");
        assertThat(FirePolicy.DEFAULT)
                .isEqualTo(new FirePolicy(
                        MisfirePolicy.ofWireName("fire_once"),
                        OverlapPolicy.ofWireName("skip"),
                        Duration.ofMinutes(1)));
    }

    @Test
    void nonsenseIsRefused() {
        for (var tolerance : List.of(Duration.ofMillis(-1), Duration.ofMillis(60_001))) {
            assertThatThrownBy(() -> new FirePolicy(FIRE_ONCE, ALLOW, tolerance))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the tolerance must be 0 to 60 s, was " + tolerance);
        }
        assertThatThrownBy(() -> new JobTimer(Optional.empty(), Optional.empty(), false, OptionalLong.of(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("executions remaining");
    }

    @Test
    void whateverThePoliciesEachPlanIsWhatOneComesToWhoLooksAtOneTimeAfterTheOther() {
        Seeded.forAll(1_000, random -> {
            var times = anyTimes(random);
            var policy = anyPolicy(random);
            var oracle = new FirePlanOracle(List.copyOf(times), policy);
            var timer = JobTimer.due(times.first(), random.nextBoolean());
            var remaining = random.nextInt(4) == 0 ? random.nextLong(1, 200) : Long.MAX_VALUE;
            var now = times.first();

            for (var ask = 0; ask < 20; ask++) {
                now = now.plusSeconds(random.nextInt(random.nextInt(1, 10_000)));
                var left = remaining == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(remaining);
                timer = new JobTimer(timer.due(), timer.held(), random.nextInt(3) == 0, left);
                var plan = FirePlan.of(after -> Optional.ofNullable(times.higher(after)), policy, timer, now);
                if (remaining == 0) {
                    assertThat(plan.isCompleted()).isTrue();
                    break;
                }

                agree(plan, oracle.ask(timer, now), times);
                timer = new JobTimer(plan.next(), plan.held(), false, OptionalLong.empty());
                remaining -= remaining == Long.MAX_VALUE ? 0 : plan.fires().size();
            }
        });
    }

    private static void agree(FirePlan plan, FirePlanOracle.Outcome outcome, NavigableSet<Instant> times) {
        assertThat(plan.fires()).isEqualTo(outcome.fired());
        assertThat(plan.cancelsPrevious()).isEqualTo(outcome.cancels());
        assertThat(plan.held()).isEqualTo(outcome.held());
        assertThat(plan.next()).isEqualTo(outcome.next());
        assertThat(recorded(plan, Reason.MISFIRE, times)).isEqualTo(outcome.misfires());
        assertThat(recorded(plan, Reason.OVERLAP, times)).isEqualTo(outcome.overlaps());
    }

    private static List<Instant> recorded(FirePlan plan, Reason reason, NavigableSet<Instant> times) {
        var recorded = new ArrayList<Instant>();
        for (var skip : plan.skips()) {
            if (skip.reason() == reason) {
                var skipped = times.subSet(skip.first(), true, skip.last(), true);
                skip.count()
                        .ifPresentOrElse(
                                count -> assertThat(skipped).hasSize(count),
                                () -> assertThat(skipped).hasSizeGreaterThan(DueTimes.COUNTED));
                assertThat(skipped).startsWith(skip.first()).endsWith(skip.last());
                recorded.addAll(skipped);
            }
        }
        return recorded;
    }

    /** Sometimes many close together, sometimes few far apart, most often lumps of both. */
    private static NavigableSet<Instant> anyTimes(RandomGenerator random) {
        var times = new TreeSet<Instant>();
        var time = NOON;
        var gap = 1;
        for (var n = 0; n < 3_000; n++) {
            gap = random.nextInt(200) == 0 ? random.nextInt(1, 400) : gap;
            times.add(time);
            time = time.plusSeconds(random.nextInt(1, gap + 1));
        }
        return times;
    }

    private static FirePolicy anyPolicy(RandomGenerator random) {
        var misfires = MisfirePolicy.values();
        var overlaps = OverlapPolicy.values();
        return new FirePolicy(
                misfires[random.nextInt(misfires.length)],
                overlaps[random.nextInt(overlaps.length)],
                Duration.ofSeconds(random.nextInt(3) * 30L));
    }

    private static FirePlan ask(OverlapPolicy overlap, JobTimer timer, Instant now) {
        return FirePlan.of(MINUTELY, FirePolicy.of(FIRE_ONCE, overlap), timer, now);
    }

    private static Instant minutes(long minutes) {
        return NOON.plus(Duration.ofMinutes(minutes));
    }

    private static Skip misfires(Instant first, Instant last, int count) {
        return new Skip(first, last, OptionalInt.of(count), Reason.MISFIRE);
    }

    private static Skip overlaps(Instant first, Instant last, int count) {
        return new Skip(first, last, OptionalInt.of(count), Reason.OVERLAP);
    }
}
