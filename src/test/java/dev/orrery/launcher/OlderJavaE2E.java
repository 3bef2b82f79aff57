package dev.orrery.launcher;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The finished jar, started with a Java that is too old for it. */
class OlderJavaE2E {
    private static final int LIMIT_SECONDS = 60;

    @Test
    void theProgramAnswersAsUnderItsOwnJava() throws Exception {
        Path old = OlderJava.program();
        List<String> command = new ArrayList<>(List.of(old.toString()));
        command.addAll(OlderJava.coverageFlag());
        command.addAll(List.of("-jar", System.getProperty("orrery.jar"), "version"));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));

        Process process = builder.start();

        assertThat(process.waitFor(LIMIT_SECONDS, SECONDS)).as("ends in time").isTrue();
        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .startsWith("orrery ")
                .contains("Java " + Runtime.version().feature());
        assertThat(process.exitValue()).isZero();
    }
}
