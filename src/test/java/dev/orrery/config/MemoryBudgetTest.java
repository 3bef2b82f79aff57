package dev.orrery.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.StartupException;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryBudgetTest {

    private static final long MIB = 1 << 20;

    @ParameterizedTest
    @ValueSource(ints = {256, 512, 1_024, 4_096, 65_536})
    void theDefaultsFitEvenIntoASmallHeap(int heapMib) {
        assertThatCode(() ->
                        MemoryBudget.of(OrreryConfig.DEFAULT, heapMib * MIB).requireFit())
                .doesNotThrowAnyException();
    }

    @Test
    void aNodeThatMayOutgrowHalfOfTheHeapIsRefusedWithTheCure() {
        var greedy = withWorkers(new WorkersConfig(100, 10, 100, List.of(), Duration.ofSeconds(60)));

        var refused = catchThrowableOfType(
                StartupException.class,
                () -> MemoryBudget.of(greedy, 1_024 * MIB).requireFit());

        assertThat(refused)
                .hasMessageMatching("queues and buffers may take \\d+MiB, more than half of the heap of 1024MiB: lower"
                        + " workers.concurrency \\(outputs take 2000MiB\\), or give a larger heap: java -Xmx\\d+m");
    }

    @ParameterizedTest
    @CsvSource({"100, 10", "4, 10", "3, 10", "2, 10"})
    void theHeapThatTheRefusalNamesIsEnough(int workers, int concurrency) {
        var greedy = withWorkers(new WorkersConfig(workers, concurrency, 1_000, List.of(), Duration.ofSeconds(60)));
        var refused = catchThrowableOfType(
                StartupException.class, () -> MemoryBudget.of(greedy, 64 * MIB).requireFit());
        var named = Pattern.compile("-Xmx(\\d+)m")
                .matcher(refused.getMessage())
                .results()
                .findFirst()
                .orElseThrow();

        var budget = MemoryBudget.of(greedy, Long.parseLong(named.group(1)) * MIB);

        assertThatCode(budget::requireFit).doesNotThrowAnyException();
    }

    @Test
    void everythingThatCanBeSetCounts() {
        var few = MemoryBudget.of(OrreryConfig.DEFAULT, 1_024 * MIB);
        var more = MemoryBudget.of(
                withWorkers(new WorkersConfig(4, 2, 612, List.of(), Duration.ofSeconds(60))), 1_024 * MIB);

        assertThat(more.total() - few.total()).isEqualTo(4 * 512 * 2_048L);
    }

    @Test
    void theSumIsPrintedWithItsParts() {
        assertThat(MemoryBudget.of(OrreryConfig.DEFAULT, 1_024 * MIB).text())
                .isEqualTo("memory is bounded: total=322MiB heap=1024MiB requests=103MiB results=32MiB"
                        + " submissions=32MiB log_chunks=32MiB dag_versions=32MiB events=16MiB inputs=32MiB logs=10MiB outputs=16MiB handler_logs=0MiB spans=0MiB queues=1MiB reports=1MiB"
                        + " database_answers=16MiB");
    }

    private static OrreryConfig withWorkers(WorkersConfig workers) {
        var config = OrreryConfig.DEFAULT;
        return new OrreryConfig(
                config.node(),
                config.http(),
                config.database(),
                config.etcd(),
                config.bus(),
                workers,
                config.tasks(),
                config.handlers(),
                config.router(),
                config.queue(),
                config.deadLetters(),
                config.retention(),
                config.health(),
                config.log(),
                config.tracing());
    }
}
