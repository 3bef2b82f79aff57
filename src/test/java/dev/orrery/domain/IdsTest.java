package dev.orrery.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.testing.Seeded;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdsTest {

    private static final UUID BASE = UUID.fromString("01a2b3c4-d5e6-7000-8123-456700000000");

    private static final List<Function<String, Object>> READERS =
            List.of(DagId::parse, RunId::parse, NodeId::parse, WorkerId::parse, TaskInstanceId::parse);

    @Test
    void everyIdIsReadFromWhatItIsWrittenAs() {
        Seeded.forAll(random -> {
            var text = new UUID(random.nextLong(), random.nextLong()).toString();

            assertThat(READERS)
                    .allSatisfy(reader -> assertThat(reader.apply(text)).hasToString(text));
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                "1-2-3-4-5",
                "01a2b3c4-d5e6-7000-8123-45670000000",
                "01a2b3c4-d5e6-7000-8123-4567000000000",
                "01a2b3c4d-5e6-7000-8123-456700000000",
                "01a2b3c4-d5e6-7000-8123-45670000000g",
                "+1a2b3c4-d5e6-7000-8123-456700000000",
                "{1a2b3c4-d5e6-7000-8123-45670000000}",
            })
    void nothingElseIsAnId(String text) {
        assertThat(READERS)
                .allSatisfy(reader ->
                        assertThatThrownBy(() -> reader.apply(text)).isInstanceOf(IllegalArgumentException.class));
    }

    @Test
    void capitalLettersMakeTheSameId() {
        assertThat(RunId.parse("01A2B3C4-D5E6-7000-8123-456700000000")).isEqualTo(new RunId(BASE));
    }

    @Test
    void aTaskInstanceKnowsItsRunAndItsNumber() {
        Seeded.forAll(random -> {
            var run = new RunId(new IdSequence(random.nextLong()).next(random.nextLong(1L << 40)));
            var number = random.nextInt(1, Integer.MAX_VALUE);

            var instance = TaskInstanceId.of(run, number);

            assertThat(instance.runId()).isEqualTo(run);
            assertThat(instance.taskNumber()).isEqualTo(number);
        });
    }

    @Test
    void aWorkerKnowsItsNodeAndItsNumber() {
        var worker = WorkerId.of(new NodeId(BASE), 3);

        assertThat(worker).hasToString("01a2b3c4-d5e6-7000-8123-456700000003");
        assertThat(worker.nodeId()).isEqualTo(new NodeId(BASE));
        assertThat(worker.workerNumber()).isEqualTo(3);
    }

    @Test
    void membersAreNumberedFromOneAndHaveNoMembersThemselves() {
        var run = new RunId(BASE);
        var member = new RunId(TaskInstanceId.of(run, 1).value());

        assertThatThrownBy(() -> TaskInstanceId.of(run, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> TaskInstanceId.of(member, 1)).hasMessageContaining("is a member itself");
    }
}
