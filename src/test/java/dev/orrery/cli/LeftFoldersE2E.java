package dev.orrery.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.OwnProcesses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar: which folders of processes that have died the next one takes away. */
class LeftFoldersE2E {

    private static final String HOLD_A_LOCK = """
            import fcntl, sys
            file = open(sys.argv[1], "w")
            fcntl.lockf(file, fcntl.LOCK_EX)
            print("locked", flush=True)
            sys.stdin.read()
            """;

    @TempDir
    Path folder;

    @Test
    void foldersThatNobodyCameToLockGoWhereNobodyWillAnyMore() throws Exception {
        var place = Files.createDirectory(folder.resolve("tmp"));
        Files.createFile(left(place, "orrery-unlocked-1").resolve(".lock"));
        left(place, "orrery-unlocked-2");
        left(place, "orrery-unlocked-young");
        var locked = Files.createFile(left(place, "orrery-unlocked-locked").resolve(".lock"));
        left(place, "others-unlocked-3");
        Files.createSymbolicLink(place.resolve("orrery-unlocked-link"), left(folder, "elsewhere"));
        for (var old :
                List.of("orrery-unlocked-1", "orrery-unlocked-2", "orrery-unlocked-locked", "others-unlocked-3")) {
            makeOld(place.resolve(old));
        }
        var holder = OwnProcesses.own(new ProcessBuilder("python3", "-c", HOLD_A_LOCK, locked.toString()).start());

        try {
            assertThat(holder.inputReader(UTF_8).readLine()).isEqualTo("locked");
            startProgram(place);
        } finally {
            holder.destroy();
        }

        assertThat(names(place))
                .containsExactlyInAnyOrder(
                        "orrery-unlocked-young", "orrery-unlocked-locked", "orrery-unlocked-link", "others-unlocked-3");
        assertThat(folder.resolve("elsewhere/file")).exists();
    }

    private static Path left(Path place, String name) throws IOException {
        var made = Files.createDirectory(place.resolve(name));
        Files.createFile(made.resolve("file"));
        return made;
    }

    private static void makeOld(Path made) throws IOException {
        var now = Files.getLastModifiedTime(made).toInstant();
        Files.setLastModifiedTime(made, FileTime.from(now.minus(Duration.ofHours(2))));
    }

    /** The least for which the program makes a folder of its own. */
    private static void startProgram(Path place) throws IOException, InterruptedException {
        var builder = NodeProcess.withoutSettings(new ProcessBuilder(NodeProcess.commandLine("node", "--help")))
                .redirectErrorStream(true);
        builder.environment().put("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=" + place);
        var program = OwnProcesses.own(builder.start());
        var said = new String(program.getInputStream().readAllBytes(), UTF_8);
        assertThat(program.waitFor(60, SECONDS)).isTrue();
        assertThat(program.exitValue()).as(said).isZero();
    }

    private static List<String> names(Path place) throws IOException {
        try (var files = Files.list(place)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toList());
        }
    }
}
