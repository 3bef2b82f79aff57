package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class VerdictTest {

    private static final RetryPolicy THREE_ATTEMPTS =
            new RetryPolicy(3, Duration.ofSeconds(1), Duration.ofMinutes(5), 2, 0);
    private static final AttemptOutcome FAILED = new AttemptOutcome.Failed("exit code 1", true);
    private static final AttemptOutcome TIMED_OUT = new AttemptOutcome.TimedOut(Duration.ofMinutes(90));

    private final RandomGenerator random = new SplittableRandom(1);

    @Test
    void successIsFinalWithItsOutput() {
        var verdict = judge(new AttemptOutcome.Succeeded(new Json("7")), 2);

        assertThat(verdict).isEqualTo(new Verdict.Succeed(new Json("7")));
        assertThat(verdict.event()).isEqualTo(TaskEvent.SUCCEED);
    }

    @Test
    void aFailureIsTriedAgainAfterAGrowingWaitUntilAttemptsAreSpent() {
        assertThat(judge(FAILED, 0)).isEqualTo(new Verdict.Retry(Duration.ofSeconds(1), "exit code 1", false));
        assertThat(judge(FAILED, 1)).isEqualTo(new Verdict.Retry(Duration.ofSeconds(2), "exit code 1", false));
        assertThat(judge(FAILED, 2)).isEqualTo(new Verdict.Fail("exit code 1"));
        assertThat(judge(FAILED, 0).event()).isEqualTo(TaskEvent.RETRY);
        assertThat(judge(FAILED, 2).event()).isEqualTo(TaskEvent.FAIL);
    }

    @Test
    void whatCannotGoBetterIsNotTriedAgain() {
        assertThat(judge(new AttemptOutcome.Failed("no such script", false), 0))
                .isEqualTo(new Verdict.Fail("no such script"));
    }

    @Test
    void aTimeoutIsTriedAgainToo() {
        assertThat(judge(TIMED_OUT, 0))
                .isEqualTo(new Verdict.Retry(Duration.ofSeconds(1), "stopped after its timeout of 1h30m", true));
        assertThat(judge(TIMED_OUT, 2)).isEqualTo(new Verdict.TimeOut("stopped after its timeout of 1h30m"));
        assertThat(judge(TIMED_OUT, 2).event()).isEqualTo(TaskEvent.TIME_OUT);
    }

    @Test
    void whatPutsItselfOffIsTriedAgainHoweverManyFailuresThereWere() {
        var snoozed = new AttemptOutcome.Snoozed(Duration.ofMinutes(10));

        assertThat(judge(snoozed, 0)).isEqualTo(new Verdict.Snooze(Duration.ofMinutes(10)));
        assertThat(judge(snoozed, 2)).isEqualTo(new Verdict.Snooze(Duration.ofMinutes(10)));
        assertThat(judge(snoozed, 2).event()).isEqualTo(TaskEvent.RETRY);
        assertThat(judge(snoozed, 2).againAfter()).contains(Duration.ofMinutes(10));
    }

    @Test
    void nothingPutsItselfOffForEver() {
        assertThat(Verdict.ofSnooze(SnoozeRule.MIN, SnoozeRule.ATTEMPTS_MAX - 1))
                .isEqualTo(new Verdict.Snooze(SnoozeRule.MIN));
        assertThat(Verdict.ofSnooze(SnoozeRule.MIN, SnoozeRule.ATTEMPTS_MAX))
                .isEqualTo(
                        new Verdict.Fail("it puts itself off once more, and has had 1000 attempts: no more are made"));
        assertThat(SnoozeRule.parse("999ms")).isEmpty();
        assertThat(SnoozeRule.parse("1s")).contains(SnoozeRule.MIN);
        assertThat(SnoozeRule.parse("30d")).contains(SnoozeRule.MAX);
        assertThat(SnoozeRule.parse("30d1ms")).isEmpty();
        assertThat(SnoozeRule.bounds()).isEqualTo("a task puts itself off by 1s to 30d, such as 10m");
    }

    @Test
    void whatGiveUpOnNamesIsNotTriedAgainAndTheErrorSaysSo() {
        var policy = ruled(List.of(), List.of("exit:75", "timeout"));

        assertThat(Verdict.of(exit(75), 1, 0, policy, random))
                .isEqualTo(new Verdict.Fail("exit code 75 (not tried again: giveUpOn names exit:75)"));
        assertThat(Verdict.of(exit(1), 1, 0, policy, random)).isInstanceOf(Verdict.Retry.class);
        assertThat(Verdict.of(TIMED_OUT, 1, 0, policy, random)).isInstanceOf(Verdict.TimeOut.class);
    }

    @Test
    void whereRetryOnSaysAnythingNothingElseIsTriedAgain() {
        var policy = ruled(List.of("exit:75", "start"), List.of());

        assertThat(Verdict.of(exit(75), 1, 0, policy, random))
                .isEqualTo(new Verdict.Retry(Duration.ofSeconds(1), "exit code 75", false));
        assertThat(Verdict.of(exit(75), 3, 2, policy, random)).isEqualTo(new Verdict.Fail("exit code 75"));
        assertThat(Verdict.of(exit(1), 1, 0, policy, random))
                .isEqualTo(new Verdict.Fail("exit code 1 (not tried again: retryOn does not name it)"));
        assertThat(Verdict.of(TIMED_OUT, 1, 0, policy, random)).isInstanceOf(Verdict.TimeOut.class);
        var notStarted = new AttemptOutcome.Failed("no such script", false, new FailureKind.CouldNotStart());
        assertThat(Verdict.of(notStarted, 1, 0, policy, random))
                .as("named, though it is usually given up")
                .isInstanceOf(Verdict.Retry.class);
    }

    @Test
    void aServerIsNotAskedBeforeTheTimeThatItNames() {
        var busy = new FailureKind.HttpStatus(503);
        var later = new AttemptOutcome.Failed("503", true, busy, Optional.of(Duration.ofSeconds(90)));
        var sooner = new AttemptOutcome.Failed("503", true, busy, Optional.of(Duration.ofMillis(10)));

        assertThat(judge(later, 0).againAfter()).contains(Duration.ofSeconds(90));
        assertThat(judge(sooner, 0).againAfter()).contains(Duration.ofSeconds(1));
        assertThat(judge(later, 2)).isInstanceOf(Verdict.Fail.class);
    }

    @Test
    void aCancelledAttemptEndsTheTask() {
        assertThat(judge(new AttemptOutcome.Cancelled(), 0)).isEqualTo(new Verdict.Cancel());
        assertThat(new Verdict.Cancel().event()).isEqualTo(TaskEvent.CANCEL);
    }

    @Test
    void aTaskIsTriedExactlyAsOftenAsItsPolicySays() {
        Seeded.forAll(seeded -> {
            var policy = new RetryPolicy(seeded.nextInt(1, 101), Duration.ZERO, Duration.ZERO, 1, 0);

            var attempts = 1;
            while (Verdict.of(seeded.nextBoolean() ? FAILED : TIMED_OUT, attempts, attempts - 1, policy, seeded)
                    instanceof Verdict.Retry) {
                attempts++;
            }

            assertThat(attempts).isEqualTo(policy.maxAttempts());
        });
    }

    @Test
    void everyVerdictIsALegalEndOfARunningAttempt() {
        var verdicts = List.of(
                judge(new AttemptOutcome.Succeeded(Json.NULL), 0),
                judge(FAILED, 0),
                judge(FAILED, 2),
                judge(new AttemptOutcome.Snoozed(SnoozeRule.MIN), 0),
                judge(TIMED_OUT, 2),
                judge(new AttemptOutcome.Cancelled(), 0));

        assertThat(verdicts)
                .allSatisfy(verdict -> assertThat(TaskTransitions.find(TaskState.RUNNING, verdict.event()))
                        .isPresent())
                .allSatisfy(verdict -> assertThat(TaskTransitions.find(TaskState.QUEUED, verdict.event()))
                        .isPresent());
    }

    private static AttemptOutcome exit(int code) {
        return new AttemptOutcome.Failed("exit code " + code, true, new FailureKind.ExitCode(code));
    }

    private static RetryPolicy ruled(List<String> retryOn, List<String> giveUpOn) {
        return new RetryPolicy(
                3,
                Duration.ofSeconds(1),
                Duration.ofMinutes(5),
                2,
                0,
                new RetryRules(
                        retryOn.stream().map(FailureRule::new).toList(),
                        giveUpOn.stream().map(FailureRule::new).toList()));
    }

    private Verdict judge(AttemptOutcome outcome, int failuresBefore) {
        return Verdict.of(outcome, failuresBefore + 1, failuresBefore, THREE_ATTEMPTS, random);
    }
}
