package dev.orrery.dagfile;

import static dev.orrery.dagfile.DagFiles.problems;
import static dev.orrery.dagfile.DagFiles.task;
import static dev.orrery.dagfile.DagFiles.valid;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Problem;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which schedules are taken, and what is said of those that are not. */
class DagFileScheduleTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0 2 * * *",
                "*/5 * * * * *",
                "@daily",
                "@hourly",
                "@weekly",
                "@monthly",
                "@yearly",
                "@annually",
                "@midnight",
                "0 0 29 2 *",
                "0 0 31 1,4 *",
                "0 0 30 2 MON",
                "0 0 L * *",
                "0 0 L-3 * *",
                "0 0 15W * *",
                "0 0 LW 2 *",
                "0 0 * * 5L",
                "0 0 * * MON#2",
                "0 0 * * SUN-SAT",
                "0 0 * * FRI-MON",
                "0 0 * * 7",
                "0 0 1 jan-mar *",
                "5/15 * * * *",
                "0 22,23 1-31/2 */3 1-5",
                "0 0 31 2/2 *"
            })
    void aScheduleThatFiresIsTaken(String schedule) {
        assertThat(valid("schedule: '" + schedule + "'\n" + task("type: shell, command: x"))
                        .schedule())
                .contains(schedule);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 0 30 2 *       | it never fires",
                "0 0 31 4,6,9,11 * | it never fires",
                "0 0 0 31W 2 *    | it never fires",
                "0 0 L-30 4 *     | it never fires",
                "60 * * * *       | its minute '60' is wrong: Value 60 not in range [0, 59]",
                "* 24 * * *       | its hour",
                "* * 0 * *        | its day of month",
                "* * * 13 *       | its month",
                "* * * * 8        | its day of week",
                "60 * * * * *     | its second",
                "* 22-2 * * *     | its hour",
                "*/0 * * * *      | its minute",
                "x * * * *        | its minute",
                "* * ? * *        | write '*'",
                "* * * * 1#6      | from 1 to 5",
                "* * * * 1,L      | 5L is the last Friday",
                "* * * *          | it has 4 fields",
                "* * * * * * *    | it has 7 fields",
                "* * * * $        | a character is not known here",
                "@reboot          | known are @annually",
                "@Daily           | known are @annually",
                "tomorrow         | it has 1 field,",
            })
    void aScheduleThatDoesNotIsRefusedWithTheReason(String schedule, String reason) {
        var problems = problems("schedule: '" + schedule + "'\n" + task("type: shell, command: x"));

        assertThat(problems).extracting(Problem::code).containsExactly("BAD_CRON");
        assertThat(problems.getFirst().message()).contains(reason);
    }

    @Test
    void aScheduleHasAtMostAHundredCharacters() {
        var list = IntStream.range(0, 59).mapToObj(Integer::toString).collect(joining(","));

        assertThat(problems("schedule: '" + list + " * * * *'\n" + task("type: shell, command: x")))
                .extracting(Problem::code)
                .containsExactly("BAD_CRON");
    }
}
