package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.TaskAssignment.DagReference;
import dev.orrery.domain.dag.TaskType.Shell;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is started where the node's locale knows ASCII alone, as under many service managers. */
class LaunchPlansIT {

    private static final String FOREIGN = "grüße '🪐' \"$HOME\" \\n `x`";

    @TempDir
    private Path root;

    private AttemptFolder folder;

    @BeforeEach
    void open() throws IOException {
        var context = new TaskContext(
                TaskInstanceId.of(Workbench.RUN, 1),
                Workbench.RUN,
                Optional.of(new DagReference(Workbench.DAG, "dag")),
                Tenant.DEFAULT,
                Workbench.task(Workbench.shell("true")),
                1,
                1,
                OptionalLong.empty(),
                TraceContext.ofRun(Workbench.RUN, Optional.empty()),
                Json.NULL,
                Map.of());
        folder = AttemptFolder.create(root, context);
    }

    @Test
    void whatJavaCouldNotHandOverIsReadFromAScript() throws IOException, InterruptedException {
        var shell = new Shell("printf '%s|' \"$NOTE\" 'ä'", Map.of(), Optional.empty());
        var environment = Map.of("NOTE", FOREIGN, "PATH", TaskEnvironment.PATH);

        var launch = new LaunchPlans(new TaskPaths(root), false).shell(shell, environment, folder);

        assertThat(launch.command()).allMatch(US_ASCII.newEncoder()::canEncode);
        assertThat(run(launch)).isEqualTo(FOREIGN + "|ä|");
    }

    @Test
    void whatAsciiCanSayIsHandedOverAsItIs() throws IOException {
        var shell = new Shell("echo plain", Map.of(), Optional.empty());

        var launch = new LaunchPlans(new TaskPaths(root), false).shell(shell, Map.of("A", "b"), folder);

        assertThat(launch)
                .isEqualTo(new Launch(List.of("/bin/sh", "-c", "echo plain"), Map.of("A", "b"), folder.home()));
    }

    private static String run(Launch launch) throws IOException, InterruptedException {
        var builder = new ProcessBuilder(launch.command())
                .directory(launch.workingFolder().toFile());
        builder.environment().clear();
        builder.environment().put("PATH", TaskEnvironment.PATH);
        var process = builder.start();
        var output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).isZero();
        return output;
    }
}
