package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class TotalTimeTest {

    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final RetryPolicy POLICY =
            new RetryPolicy(3, Duration.ofSeconds(10), MINUTE, 1, 0).withTotalTimeout(MINUTE);

    private final RandomGenerator random = new SplittableRandom(1);

    @Test
    void anAttemptHasTheSmallerOfItsOwnLimitAndOfWhatIsLeft() {
        var time = new TotalTime(MINUTE, Duration.ofSeconds(40));

        assertThat(time.limit(Duration.ofSeconds(15))).isEqualTo(Duration.ofSeconds(15));
        assertThat(time.endsFirst(Duration.ofSeconds(15))).isFalse();
        assertThat(time.limit(Duration.ofSeconds(30))).isEqualTo(Duration.ofSeconds(20));
        assertThat(time.endsFirst(Duration.ofSeconds(30))).isTrue();
        assertThat(time.after(MINUTE).limit(MINUTE)).isZero();
        assertThat(time.after(MINUTE).isOver()).isTrue();
    }

    @Test
    void aRetryThatWouldBeDueBehindTheEndIsNotWaitedFor() {
        assertThat(judge(failed(), Duration.ofSeconds(49)))
                .isEqualTo(new Verdict.Retry(Duration.ofSeconds(10), "exit code 1", false));
        assertThat(judge(failed(), Duration.ofSeconds(50)))
                .isEqualTo(new Verdict.TimeOut("exit code 1 (not tried again: its totalTimeout of 1m over all attempts"
                        + " ends before the next one, due in 10s)"));
        assertThat(judge(new AttemptOutcome.TimedOut(Duration.ofSeconds(5)), MINUTE))
                .isEqualTo(
                        new Verdict.TimeOut("stopped after its timeout of 5s (not tried again: its totalTimeout of 1m"
                                + " over all attempts is over)"));
    }

    @Test
    void whatAServerAsksForIsNotWaitedForBehindTheEnd() {
        var busy = new AttemptOutcome.Failed(
                "503", true, new FailureKind.HttpStatus(503), Optional.of(Duration.ofSeconds(30)));

        assertThat(judge(busy, Duration.ofSeconds(29))).isInstanceOf(Verdict.Retry.class);
        assertThat(judge(busy, Duration.ofSeconds(30))).isInstanceOf(Verdict.TimeOut.class);
    }

    @Test
    void whatFailsForGoodFailsAsItWouldWithoutATotal() {
        var spent = Verdict.of(failed(), 3, 2, POLICY, Optional.of(new TotalTime(MINUTE, MINUTE)), random);

        assertThat(spent).isEqualTo(new Verdict.Fail("exit code 1"));
    }

    @Test
    void theEndOfTheTotalIsFinal() {
        assertThat(judge(new AttemptOutcome.TotalTimedOut(MINUTE, true), MINUTE))
                .isEqualTo(new Verdict.TimeOut("stopped: its totalTimeout of 1m over all attempts is over"));
        assertThat(judge(new AttemptOutcome.TotalTimedOut(MINUTE, false), MINUTE))
                .isEqualTo(new Verdict.TimeOut("not tried again: its totalTimeout of 1m over all attempts is over"));
    }

    @Test
    void onlyTimesThatCanBeAreTaken() {
        assertThatThrownBy(() -> POLICY.withTotalTimeout(Duration.ofMillis(9))).hasMessageContaining("totalTimeout");
        assertThatThrownBy(() -> POLICY.withTotalTimeout(Duration.ofDays(367))).hasMessageContaining("totalTimeout");
        assertThatThrownBy(() -> new TotalTime(MINUTE, Duration.ofMillis(-1))).hasMessageContaining("used");
        assertThat(POLICY.withMaxAttempts(7).totalTimeout()).contains(MINUTE);
    }

    /** Tasks that fail, time out and lose nodes, beside a model that knows only the clock on the wall. */
    @Test
    void whateverHappensNoAttemptGoesOnOrBeginsBehindTheEnd() {
        Seeded.forAll(seeded -> {
            var timeout = seeded.nextLong(1, 100);
            var total = seeded.nextLong(10, 400);
            var delay = seeded.nextLong(0, 60);
            var policy = new RetryPolicy(seeded.nextInt(1, 8), Duration.ofMillis(delay), Duration.ofMillis(delay), 1, 0)
                    .withTotalTimeout(Duration.ofMillis(total));
            var wall = 0L;
            var failures = 0;
            for (var attempt = 1; attempt < 200; attempt++) {
                var time = new TotalTime(Duration.ofMillis(total), Duration.ofMillis(wall));
                assertThat(time.isOver()).isEqualTo(wall >= total);
                if (time.isOver()) {
                    return;
                }
                var limit = Math.min(timeout, total - wall);
                assertThat(time.limit(Duration.ofMillis(timeout))).isEqualTo(Duration.ofMillis(limit));
                assertThat(time.endsFirst(Duration.ofMillis(timeout))).isEqualTo(total - wall < timeout);
                if (seeded.nextInt(4) == 0) {
                    // Its node was lost, and another one takes it some time later.
                    wall += seeded.nextLong(0, 80);
                    continue;
                }
                var lasts = seeded.nextLong(0, 120);
                wall += Math.min(lasts, limit);
                var outcome = outcome(lasts, limit, timeout, total);
                var verdict = Verdict.of(
                        outcome,
                        attempt,
                        failures,
                        policy,
                        Optional.of(time.after(Duration.ofMillis(Math.min(lasts, limit)))),
                        seeded);
                failures++;
                if (outcome instanceof AttemptOutcome.TotalTimedOut) {
                    assertThat(wall).isEqualTo(total);
                    assertThat(verdict).isInstanceOf(Verdict.TimeOut.class);
                    return;
                }
                var another = failures < policy.maxAttempts() && wall + delay < total;
                assertThat(verdict instanceof Verdict.Retry).isEqualTo(another);
                if (!another) {
                    assertThat(String.valueOf(verdict).contains("totalTimeout"))
                            .isEqualTo(failures < policy.maxAttempts());
                    return;
                }
                wall += delay + seeded.nextLong(0, 20);
            }
        });
    }

    private static AttemptOutcome outcome(long lasts, long limit, long timeout, long total) {
        if (lasts < limit) {
            return failed();
        }
        return limit < timeout
                ? new AttemptOutcome.TotalTimedOut(Duration.ofMillis(total), true)
                : new AttemptOutcome.TimedOut(Duration.ofMillis(timeout));
    }

    private static AttemptOutcome failed() {
        return new AttemptOutcome.Failed("exit code 1", true, new FailureKind.ExitCode(1));
    }

    private Verdict judge(AttemptOutcome outcome, Duration used) {
        return Verdict.of(outcome, 1, 0, POLICY, Optional.of(new TotalTime(MINUTE, used)), random);
    }
}
