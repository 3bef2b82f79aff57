package dev.orrery.engine.router;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.engine.router.ReportBuffer.Entry;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReportBufferTest {

    private static final RunId RUN = new RunId(UUID.fromString("01890a5d-ac96-7000-8000-000000000000"));
    private static final RunId OTHER_RUN = new RunId(UUID.fromString("01890a5d-ac97-7000-8000-000000000000"));

    private final ReportBuffer buffer = new ReportBuffer(3, 1_000);

    @Test
    void resultsGoAheadOfStartsAndABatchIsBounded() {
        buffer.start(start(1));
        buffer.start(start(2));
        buffer.end(end(3, 0));
        buffer.end(end(4, 0));

        assertThat(numbers(takeAndReturn())).containsExactly(3, 4, 1);
        assertThat(numbers(takeAndReturn())).containsExactly(2);
        assertThat(buffer.isEmpty()).isTrue();
    }

    @Test
    void aResultTellsItsStartToo() {
        buffer.start(start(1));
        buffer.end(end(1, 0));

        assertThat(takeAndReturn())
                .singleElement()
                .matches(entry -> entry.verdict().isPresent());
    }

    /** The node may have lost a claim and have claimed the same task once more. */
    @Test
    void whatIsToldOfAnEarlierClaimTakesNoStartOfALaterOneAway() {
        var earlier = start(1);
        buffer.start(earlier);
        var later = withFence(earlier, earlier.fence() + 1);
        buffer.start(later);
        assertThat(takeAndReturn()).containsExactly(earlier, later);

        buffer.start(later);
        buffer.end(end(1, 0));
        assertThat(takeAndReturn()).contains(later);

        buffer.start(later);
        buffer.putBack(List.of(end(1, 0)));
        assertThat(takeAndReturn()).contains(later);
    }

    @Test
    void aBatchChangesFewOtherTasksUnlessOneResultAloneChangesMany() {
        buffer.end(end(1, 6_000));
        buffer.end(end(2, 6_000));
        buffer.end(end(3, 60_000));

        assertThat(numbers(takeAndReturn())).containsExactly(1);
        assertThat(numbers(takeAndReturn())).containsExactly(2);
        assertThat(numbers(takeAndReturn())).containsExactly(3);
    }

    @Test
    void whatWaitsIsCountedInBytesAndWhatIsUnderWayIsNot() {
        var half = new Json('"' + "x".repeat(598) + '"');
        buffer.end(end(1, 0, half));
        assertThat(buffer.hasRoom()).isTrue();
        buffer.end(end(2, 0, half));
        assertThat(buffer.hasRoom()).isFalse();

        var batch = buffer.take();
        assertThat(buffer.hasRoom()).isTrue();
        buffer.returned(batch);
        buffer.putBack(batch);
        assertThat(buffer.hasRoom()).isFalse();

        var again = buffer.take();
        buffer.returned(again);
        buffer.part(again);
        assertThat(buffer.hasRoom()).isFalse();
        takeAndReturn();
        assertThat(buffer.hasRoom()).isTrue();
        takeAndReturn();
        assertThat(buffer.isEmpty()).isTrue();
    }

    @Test
    void aBatchIsBoundedInBytes() {
        var big = new Json('"' + "x".repeat(3 << 20) + '"');
        buffer.end(end(1, 0, big));
        buffer.end(end(2, 0, big));

        assertThat(numbers(takeAndReturn())).containsExactly(1);
    }

    @Test
    void whatIsPutBackComesFirstInItsOrder() {
        buffer.end(end(1, 0));
        buffer.end(end(2, 0));
        var failed = takeAndReturn();
        buffer.end(end(3, 0));

        buffer.putBack(failed);

        assertThat(numbers(takeAndReturn())).containsExactly(1, 2, 3);
    }

    @Test
    void aTaskStandsOnceInABatchInWhateverOrderItsReportsArePutBack() {
        buffer.start(start(1));
        var starts = takeAndReturn();
        buffer.end(end(1, 0));
        var ends = takeAndReturn();

        buffer.putBack(starts);
        buffer.putBack(ends);
        assertThat(takeAndReturn())
                .singleElement()
                .matches(entry -> entry.verdict().isPresent());

        buffer.putBack(ends);
        buffer.putBack(starts);
        assertThat(takeAndReturn())
                .singleElement()
                .matches(entry -> entry.verdict().isPresent());
    }

    @Test
    void aRefusedBatchGoesInHalvesUntilTheCulpritIsAlone() {
        IntStream.rangeClosed(1, 3).forEach(number -> buffer.end(end(number, 0)));
        var refused = takeAndReturn();
        buffer.end(end(4, 0));

        buffer.part(refused);

        assertThat(buffer.hasParts()).isTrue();
        assertThat(numbers(takeAndReturn())).containsExactly(1);
        var second = takeAndReturn();
        assertThat(numbers(second)).containsExactly(2, 3);
        buffer.part(second);
        assertThat(numbers(takeAndReturn())).containsExactly(2);
        assertThat(numbers(takeAndReturn())).containsExactly(3);
        assertThat(buffer.hasParts()).isFalse();
        assertThat(numbers(takeAndReturn())).containsExactly(4);
    }

    @Test
    void aSingleReportIsAPartByItself() {
        buffer.end(end(1, 0));

        buffer.part(takeAndReturn());

        assertThat(buffer.isEmpty()).isFalse();
        assertThat(buffer.cannotWait()).isTrue();
        assertThat(numbers(takeAndReturn())).containsExactly(1);
        assertThat(buffer.isEmpty()).isTrue();
    }

    @Test
    void aRunIsInOneBatchAtATime() {
        buffer.end(end(1, 0));
        var underWay = buffer.take();
        buffer.end(end(2, 0));
        buffer.start(start(3));
        assertThat(buffer.cannotWait()).isFalse();
        assertThat(buffer.take()).isEmpty();

        buffer.end(entry(OTHER_RUN, 4, Optional.of(new Verdict.Succeed(Json.NULL)), 0));
        assertThat(buffer.cannotWait()).isTrue();
        assertThat(buffer.take()).extracting(entry -> entry.id().runId()).containsExactly(OTHER_RUN);

        buffer.returned(underWay);
        assertThat(buffer.cannotWait()).isTrue();
        assertThat(numbers(buffer.take())).containsExactly(2, 3);
    }

    @Test
    void partOfARefusedBatchWaitsForItsRunsToo() {
        buffer.end(end(1, 0));
        buffer.end(end(2, 0));
        buffer.part(takeAndReturn());

        var first = buffer.take();
        assertThat(buffer.hasParts()).isFalse();
        assertThat(buffer.isEmpty()).isFalse();

        buffer.returned(first);
        assertThat(numbers(buffer.take())).containsExactly(2);
    }

    @Test
    void onlyStartsCanWait() {
        buffer.start(start(1));
        assertThat(buffer.cannotWait()).isFalse();

        buffer.end(end(1, 0));

        assertThat(buffer.cannotWait()).isTrue();
    }

    @Test
    void whatStandsForARefusedResultTellsTheSameAttempt() {
        var refused = end(1, 5);

        var instead = refused.failedInstead("why");

        assertThat(instead.verdict()).contains(new Verdict.Fail("why"));
        assertThat(instead.isSubstitute()).isTrue();
        assertThat(List.of(instead.id(), instead.fence(), instead.attempt()))
                .isEqualTo(List.of(refused.id(), refused.fence(), refused.attempt()));
    }

    /** A batch whose commit is over by now. */
    private List<Entry> takeAndReturn() {
        var batch = buffer.take();
        buffer.returned(batch);
        return batch;
    }

    private static List<Integer> numbers(List<Entry> batch) {
        return batch.stream().map(entry -> entry.id().taskNumber()).toList();
    }

    private static Entry start(int number) {
        return entry(RUN, number, Optional.empty(), 0);
    }

    private static Entry end(int number, int followers) {
        return end(number, followers, Json.NULL);
    }

    private static Entry end(int number, int followers, Json output) {
        return entry(RUN, number, Optional.of(new Verdict.Succeed(output)), followers);
    }

    private static Entry entry(RunId run, int number, Optional<Verdict> verdict, int followers) {
        return new Entry(TaskInstanceId.of(run, number), 1, 1, 1, 1, verdict, OptionalLong.empty(), followers, false);
    }

    private static Entry withFence(Entry entry, long fence) {
        return new Entry(
                entry.id(),
                entry.versionId(),
                entry.attempt() + 1,
                fence,
                entry.workerNumber(),
                entry.verdict(),
                entry.startedNanos(),
                entry.followers(),
                entry.isSubstitute());
    }
}
