package dev.orrery.bench;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Java;
import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code scripts/bench} measures, in its short form. How fast anything is, is not asserted: only that it is told. */
class BenchE2E {

    private static final int LIMIT_SECONDS = 180;

    @TempDir
    Path folder;

    @Test
    void everyFigureIsToldOnTheTerminalAndAsJson() throws Exception {
        var json = folder.resolve("figures.json");
        var command = NodeProcess.withoutSettings(new ProcessBuilder(Java.command(
                        "-Dorrery.jvm=" + System.getProperty("orrery.jvm", ""),
                        "-cp",
                        "target/test-classes:" + NodeProcess.jar(),
                        "-Dorrery.jar=" + NodeProcess.jar(),
                        "dev.orrery.bench.Bench",
                        "--short",
                        "--json",
                        json.toString())))
                .redirectErrorStream(true);
        var process = command.start();
        var printed = new String(process.getInputStream().readAllBytes(), UTF_8);

        assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(printed).isZero();
        var figures = new JsonObject(Files.readString(json));
        assertThat(figures.fieldNames())
                .allSatisfy(name -> assertThat(printed).contains(name))
                .contains(
                        "raw database, the whole cycle",
                        "throughput in runs of 1",
                        "throughput in runs of 100 in parallel",
                        "throughput in chains of 100",
                        "runs of 100 in parallel / raw cycle",
                        "node CPU in runs of 100 in parallel",
                        "PostgreSQL CPU in runs of 100 in parallel",
                        "WAL in runs of 100 in parallel",
                        "submissions of single runs, 24 in flight",
                        "POST to handler start, p50",
                        "POST to handler start, p99",
                        "hop of a chain, p50",
                        "40 shell tasks in a chain, each",
                        "resident memory of the node, 100,000 tasks waiting");
        assertThat(figures)
                .allSatisfy(figure -> assertThat((double) figure.getValue())
                        .as(figure.getKey())
                        .isPositive());
    }
}
