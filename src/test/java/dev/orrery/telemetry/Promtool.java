package dev.orrery.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.testing.Needed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Prometheus' own checks; where the program is missing the test is skipped by name. */
public final class Promtool {

    private Promtool() {}

    /** What it complains of; empty where it exits well. */
    public static String complaints(Path input, String... arguments) throws IOException, InterruptedException {
        Needed.program("promtool", "prometheus");
        var command = new ArrayList<>(List.of("promtool"));
        command.addAll(List.of(arguments));
        var output = Files.createTempFile("promtool", ".log");
        try {
            var process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectInput(input.toFile())
                    .redirectOutput(output.toFile())
                    .start();
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return command + " does not end";
            }
            var text = Files.readString(output, UTF_8);
            return process.exitValue() == 0 ? "" : "exit code " + process.exitValue() + ": " + text;
        } finally {
            Files.delete(output);
        }
    }
}
