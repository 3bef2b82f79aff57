package dev.orrery.api;

import static dev.orrery.api.NodeUnderTest.RUNS;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What tasks are given is bounded: beyond that, the task fails and says what to do; below, it waits for room. */
class LargeInputsIT {

    private static final int OUTPUT = 240_000;
    private static final int TASKS = 36;

    @Test
    void aTaskIsGivenUpToEightMegabytesAndSaysSoBeyondThem(@TempDir Path folder) {
        try (var node = new NodeUnderTest(folder)) {
            var outputs = IntStream.range(0, TASKS)
                    .mapToObj(n -> """
                              - id: t%d
                                type: shell
                                command: |
                                  printf '"%%0*d"' %d 0 > $ORRERY_OUTPUT
                            """.formatted(n, OUTPUT))
                    .collect(Collectors.joining());
            var counts = IntStream.range(0, 4)
                    .mapToObj(n -> """
                              - id: fits%d
                                type: shell
                                command: echo "::output $(wc -c < $ORRERY_INPUTS)"
                                dependencies: [%s]
                            """.formatted(n, dependencies(30)))
                    .collect(Collectors.joining());
            var tooMany = """
                      - id: tooMany
                        type: shell
                        command: "true"
                        retry: {maxAttempts: 5, initialDelay: 1h}
                        dependencies: [%s]
                    """.formatted(dependencies(TASKS));
            var dag = node.publish("large", "tasks:\n" + outputs + counts + tooMany);

            var run = node.ended(node.trigger(dag)).getString("runId");

            for (var n = 0; n < 4; n++) {
                var fits = node.client
                        .get(RUNS + "/" + run + "/tasks/fits" + n)
                        .send()
                        .json();
                assertThat(fits.getString("state")).isEqualTo("succeeded");
                assertThat(fits.getInteger("output")).isBetween(30 * OUTPUT, 31 * OUTPUT);
            }
            var refused =
                    node.client.get(RUNS + "/" + run + "/tasks/tooMany").send().json();
            assertThat(refused.getString("state")).isEqualTo("failed");
            assertThat(refused.getString("error"))
                    .contains(TASKS * (OUTPUT + 2) + " bytes", "more than the 8388608", "$ORRERY_RUN_DIR");
        }
    }

    private static String dependencies(int count) {
        return IntStream.range(0, count).mapToObj(n -> "t" + n).collect(Collectors.joining(", "));
    }
}
