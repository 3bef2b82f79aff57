package dev.orrery.executor;

import static dev.orrery.executor.Workbench.python;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.dag.TaskType.Python;
import dev.orrery.domain.dag.TaskType.PythonSource;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.testing.Needed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PythonTaskIT {

    @TempDir
    private Path folder;

    private Workbench bench;

    @BeforeEach
    void open() throws IOException {
        Needed.that(
                Stream.of(TaskEnvironment.PATH.split(":"))
                        .anyMatch(path -> Files.isExecutable(Path.of(path, "python3"))),
                "no python3 on this machine");
        Files.createDirectory(folder.resolve("tasks"));
        bench = new Workbench(folder);
    }

    @AfterEach
    void close() {
        if (bench != null) {
            bench.close();
        }
    }

    @Test
    void inlineCodeGetsItsArguments() {
        var outcome = bench.run(python("""
                import json, sys
                print("::output " + json.dumps(sys.argv[1:]))
                """, "--format", "a b", "$HOME", "grüße"));

        assertThat(outcome).isEqualTo(new Succeeded(new Json("[\"--format\",\"a b\",\"$HOME\",\"grüße\"]")));
    }

    @Test
    void aScriptIsFoundInTheTasksDirectoryAndWorksInItsOwnFolder() throws IOException {
        Files.createDirectory(folder.resolve("tasks/reports"));
        Files.writeString(
                folder.resolve("tasks/reports/report.py"),
                "import os\nprint(os.getcwd() == os.environ['HOME'], os.listdir('.'))\n");

        var attempt = bench.start(script("reports/report.py", Optional.empty(), Map.of()));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        assertThat(attempt.text()).isEqualTo("True []\n");
    }

    @Test
    void anExceptionFailsWithItsLastLine() {
        var outcome = (Failed) bench.run(python("raise ValueError('no such day')"));

        assertThat(outcome.error()).isEqualTo("exit code 1: ValueError: no such day");
        assertThat(outcome.retryable()).isTrue();
    }

    @Test
    void itsLinesComeAsTheyArePrinted() {
        var attempt = bench.start(python("import time\nprint('begun')\ntime.sleep(600)"));

        until("the first line is stored", () -> attempt.text().equals("begun\n"));
        attempt.execution().stop();

        assertThat(attempt.outcome())
                .isInstanceOfSatisfying(
                        Failed.class, failed -> assertThat(failed.error()).contains("SIGTERM"));
    }

    @Test
    void aMissingScriptFailsForGoodAndIsNamedInFull() {
        var outcome = (Failed) bench.run(script("reports/none.py", Optional.empty(), Map.of()));

        assertThat(outcome.error())
                .contains("script 'reports/none.py'")
                .contains(folder.resolve("tasks/reports/none.py").toString());
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void aMissingVirtualEnvironmentFailsForGood() {
        var outcome = (Failed) bench.run(virtualEnv("/nowhere/venv"));

        assertThat(outcome.error()).contains("virtualEnv '/nowhere/venv'").contains("python3 -m venv");
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void aFolderWithoutPythonIsNoVirtualEnvironment() throws IOException {
        Files.createDirectory(folder.resolve("tasks/empty"));

        var outcome = (Failed) bench.run(virtualEnv("empty"));

        assertThat(outcome.error()).contains("bin/python");
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void aVirtualEnvironmentsPythonIsTaken() throws IOException {
        var bin = Files.createDirectories(folder.resolve("tasks/venv/bin"));
        var python = Files.writeString(bin.resolve("python"), "#!/bin/sh\necho taken \"$1\"\n");
        Files.setPosixFilePermissions(python, PosixFilePermissions.fromString("rwxr-xr-x"));

        var attempt = bench.start(virtualEnv("venv"));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        assertThat(attempt.text()).isEqualTo("taken -u\n");
    }

    @Test
    void withoutPythonOnItsPathItFailsForGood() {
        var task = new Python(
                new PythonSource.Code("pass"),
                List.of(),
                Map.of("PATH", "/nowhere:relative"),
                Optional.empty(),
                Optional.empty());

        var outcome = (Failed) bench.run(task);

        assertThat(outcome.error()).contains("no python3").contains("/nowhere:relative");
        assertThat(outcome.retryable()).isFalse();
    }

    private static Python script(String path, Optional<String> workingDirectory, Map<String, String> env) {
        return new Python(new PythonSource.Script(path), List.of(), env, Optional.empty(), workingDirectory);
    }

    private static Python virtualEnv(String path) {
        return new Python(
                new PythonSource.Code("print('never')"), List.of(), Map.of(), Optional.of(path), Optional.empty());
    }
}
