package dev.orrery.coordination;

import static dev.orrery.testing.Await.until;

import dev.orrery.config.EtcdConfig;
import dev.orrery.coordination.CoordinationContract.Standing;
import dev.orrery.testing.Java;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A node in a process of its own that stands for leader, to be frozen and thawed. It writes down when it last began to ask
 * whether it leads, and was told so, by the clock that all processes of a machine share.
 */
final class CandidateProcess implements AutoCloseable {

    private final Process process;
    private final Path folder;

    private CandidateProcess(Process process, Path folder) {
        this.process = process;
        this.folder = folder;
    }

    static CandidateProcess start(Path folder, String endpoint, String prefix) throws IOException {
        var process = new ProcessBuilder(Java.command(
                        "-Xmx128m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        CandidateProcess.class.getName(),
                        folder.toString(),
                        endpoint,
                        prefix))
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
        return new CandidateProcess(process, folder);
    }

    public static void main(String[] arguments) throws Exception {
        var folder = Path.of(arguments[0]);
        var config = new EtcdConfig(
                List.of(arguments[1]), arguments[2], "", "", Duration.ofSeconds(2), Duration.ofSeconds(8), "", "", "");
        var coordination = EtcdCoordination.connect(config);
        coordination.join(CoordinationContract.member("frozen"));
        var standing = new Standing();
        coordination.campaign(standing);
        var wrote = System.nanoTime();
        var trustedAt = 0L;
        while (true) {
            var asked = System.nanoTime();
            trustedAt = standing.leads() ? asked : trustedAt;
            if (asked - wrote > TimeUnit.MILLISECONDS.toNanos(5)) {
                wrote = asked;
                write(folder, trustedAt, standing.losses());
            }
        }
    }

    /** Whole or not at all. */
    private static void write(Path folder, long trustedAt, int losses) throws IOException {
        var next = Files.writeString(folder.resolve("next"), trustedAt + " " + losses);
        Files.move(
                next,
                folder.resolve("state"),
                java.nio.file.StandardCopyOption.ATOMIC_MOVE,
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    /** The {@link System#nanoTime} of the last question that was answered with yes; 0 when there is none. */
    long trustedAt() {
        return state(0);
    }

    int losses() {
        return (int) state(1);
    }

    private long state(int field) {
        try {
            var file = folder.resolve("state");
            return Files.exists(file) ? Long.parseLong(Files.readString(file).split(" ")[field]) : 0;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    void freeze() throws IOException, InterruptedException {
        signal("STOP");
    }

    void thaw() throws IOException, InterruptedException {
        signal("CONT");
    }

    private void signal(String name) throws IOException, InterruptedException {
        var kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
        if (!kill.waitFor(10, TimeUnit.SECONDS) || kill.exitValue() != 0) {
            throw new AssertionError("cannot be signalled: " + process.pid());
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        until("it ends: " + process.pid(), () -> !process.isAlive());
    }
}
