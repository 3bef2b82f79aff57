package dev.orrery.service;

import static dev.orrery.testing.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.Claim;
import dev.orrery.store.LogRepository;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** The logs of attempts, as callers read them. */
class RunLogsIT extends RunServiceTestBase {

    private static final int LIMIT = 1_000;

    @Test
    void aLogIsReadInSlicesThatJoinWithoutAGap() {
        var run = trigger(publish("a"));
        var claim = claimOne();
        start(claim);
        append(claim, 0, "first line\n");
        append(claim, 11, "second line\n");

        var whole = log(run, OptionalInt.empty(), 0, LIMIT);
        assertThat(whole.content().toString(UTF_8)).isEqualTo("first line\nsecond line\n");
        assertThat(whole.nextOffset()).isEqualTo(23);
        assertThat(whole.ended()).as("it still runs").isFalse();

        var joined = new StringBuilder();
        for (var offset = 0L; offset < 23; ) {
            var slice = log(run, OptionalInt.of(1), offset, 5);
            assertThat(slice.offset()).isEqualTo(offset);
            assertThat(slice.content().length()).isBetween(1, 5);
            joined.append(slice.content().toString(UTF_8));
            offset = slice.nextOffset();
        }
        assertThat(joined).hasToString("first line\nsecond line\n");

        end(claim, SUCCEED);
        assertThat(log(run, OptionalInt.empty(), 0, 5).ended()).isFalse();
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT).ended()).isTrue();
        assertThat(log(run, OptionalInt.empty(), 23, LIMIT)).isEqualTo(new LogSlice(1, 23, Buffer.buffer(), true));
    }

    @Test
    void eachAttemptHasALogOfItsOwn() {
        var run = trigger(publish("a"));
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT)).isEqualTo(new LogSlice(0, 0, Buffer.buffer(), false));
        var first = claimOne();
        append(first, 0, "one\n");
        end(first, new Verdict.Retry(Duration.ZERO, "once", false));
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT).ended())
                .as("attempt 1 is over")
                .isTrue();
        await(work.wakeDue(10));
        var second = claimOne();
        start(second);
        append(second, 0, "two\n");

        assertThat(log(run, OptionalInt.of(1), 0, LIMIT).content()).hasToString("one\n");
        assertThat(log(run, OptionalInt.of(1), 0, LIMIT).ended()).isTrue();
        assertThat(log(run, OptionalInt.of(2), 0, LIMIT).content()).hasToString("two\n");
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT).attempt()).isEqualTo(2);
        assertThat(log(run, OptionalInt.empty(), 0, LIMIT).ended()).isFalse();
        assertThat(refusal(runs.log(TENANT, run, new TaskId("a"), OptionalInt.of(3), 0, LIMIT)))
                .isEqualTo(ErrorCode.BAD_REQUEST);
    }

    @Test
    void theLogOfATaskThatNeverRanIsEmptyAndOver() {
        var run = trigger(publish("a"));
        await(runs.cancel(TENANT, run, Optional.empty()));

        assertThat(log(run, OptionalInt.empty(), 0, LIMIT)).isEqualTo(new LogSlice(0, 0, Buffer.buffer(), true));
    }

    @Test
    void howFarAnAttemptHasComeIsToldWhileItRunsAndStaysWhenItEnds() {
        var run = trigger(publish("a"));
        var first = claimOne();
        start(first);
        assertThat(status(run).tasks().getFirst().progress()).isEmpty();

        await(logs.progress(List.of(new LogRepository.Progress(first.id(), 1, 40))));

        assertThat(status(run).tasks().getFirst().progress()).hasValue(40);
        end(first, new Verdict.Retry(Duration.ZERO, "once", false));
        await(logs.progress(List.of(new LogRepository.Progress(first.id(), 1, 50))));
        assertThat(task(run, "a").status().progress()).as("it had ended").hasValue(40);
        await(work.wakeDue(10));
        var second = claimOne();
        start(second);
        assertThat(status(run).tasks().getFirst().progress())
                .as("it begins anew")
                .isEmpty();
        await(logs.progress(List.of(new LogRepository.Progress(second.id(), 2, 100))));
        end(second, SUCCEED);
        assertThat(status(run).tasks().getFirst().progress()).hasValue(100);
    }

    private LogSlice log(RunId run, OptionalInt attempt, long offset, int limit) {
        return await(runs.log(TENANT, run, new TaskId("a"), attempt, offset, limit));
    }

    private void append(Claim claim, long offset, String text) {
        await(logs.append(List.of(new LogRepository.Chunk(claim.id(), claim.attempt(), offset, Buffer.buffer(text)))));
    }
}
