package dev.orrery.domain.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.job.ScheduledJob.Timing;
import dev.orrery.domain.job.ScheduledJob.Work;
import dev.orrery.domain.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ScheduledJobTest {

    private static final Optional<String> DAILY = Optional.of("@daily");
    private static final Optional<Duration> MINUTE = Optional.of(Duration.ofMinutes(1));
    private static final Optional<Instant> ONCE = Optional.of(Instant.EPOCH);

    @Test
    void aJobFiresBySomethingAndByOneThingOnly() {
        assertThat(timing(DAILY, Optional.empty(), Optional.empty()).schedule()).isEqualTo(DAILY);
        assertThat(timing(Optional.empty(), MINUTE, Optional.empty()).interval())
                .isEqualTo(MINUTE);
        assertThat(timing(Optional.empty(), Optional.empty(), ONCE).runAt()).isEqualTo(ONCE);
        assertThatThrownBy(() -> timing(DAILY, MINUTE, Optional.empty())).hasMessageContaining("only one of them");
        assertThat(job(JobType.EVENT, Timing.BY_EVENTS).timing().isNone()).isTrue();
        assertThatThrownBy(() -> job(JobType.CRON, Timing.BY_EVENTS)).hasMessageContaining("one of events has none");
        assertThatThrownBy(() -> job(JobType.EVENT, timing(DAILY, Optional.empty(), Optional.empty())))
                .hasMessageContaining("one of events has none");
    }

    @Test
    void aJobIsNotTriedLessThanNever() {
        assertThatThrownBy(() -> new Work(
                        HandlerType.FUNCTION,
                        "noop",
                        Optional.empty(),
                        -1,
                        Duration.ZERO,
                        Duration.ofSeconds(1),
                        JobPriority.LOW))
                .hasMessageContaining("-1");
    }

    @ParameterizedTest
    @CsvSource({
        "PENDING, PENDING", "BLOCKED, PENDING", "READY, PENDING", "QUEUED, PENDING", "RETRYING, PENDING",
        "RUNNING, RUNNING", "SUCCEEDED, SUCCESS", "FAILED, FAILED", "TIMED_OUT, TIMEOUT", "SKIPPED, SKIPPED",
        "CANCELLED, CANCELLED"
    })
    void anExecutionStandsAsItsTask(TaskState state, ExecutionStatus status) {
        assertThat(ExecutionStatus.of(state)).isEqualTo(status);
    }

    @ParameterizedTest
    @CsvSource({
        "PENDING, PENDING",
        "RUNNING, RUNNING",
        "CANCELLING, RUNNING",
        "SUCCEEDED, SUCCESS",
        "FAILED, FAILED",
        "CANCELLED, CANCELLED"
    })
    void anExecutionOfADagStandsAsItsRun(RunState state, ExecutionStatus status) {
        assertThat(ExecutionStatus.of(state)).isEqualTo(status);
    }

    @ParameterizedTest
    @EnumSource
    void aPriorityIsFoundByThatOfItsTasks(JobPriority priority) {
        assertThat(JobPriority.ofTaskPriority(priority.taskPriority())).isEqualTo(priority);
        assertThat(JobPriority.ofWireName(priority.wireName())).isEqualTo(priority);
    }

    @Test
    void noOtherPriorityIsAJobs() {
        assertThatThrownBy(() -> JobPriority.ofTaskPriority(3)).hasMessageContaining("3");
    }

    @Test
    void whatIsOverIsTerminal() {
        assertThat(Set.of(JobStatus.values()).stream().filter(JobStatus::isTerminal))
                .containsExactlyInAnyOrder(JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED);
    }

    private static ScheduledJob job(JobType type, Timing timing) {
        var work = new Work(
                HandlerType.FUNCTION,
                "noop",
                Optional.empty(),
                0,
                Duration.ZERO,
                Duration.ofSeconds(1),
                JobPriority.LOW);
        return new ScheduledJob("job", type, timing, work, List.of(), Optional.empty(), Optional.empty());
    }

    private static Timing timing(Optional<String> schedule, Optional<Duration> interval, Optional<Instant> runAt) {
        return new Timing(
                schedule,
                interval,
                runAt,
                "UTC",
                Optional.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                Set.of(),
                MisfirePolicy.FIRE_ONCE,
                OverlapPolicy.SKIP);
    }
}
