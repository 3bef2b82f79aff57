package dev.orrery.fault;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Processes by their ids. */
final class Processes {

    private Processes() {}

    static void signal(long pid, String name) {
        try {
            var kill = new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start();
            if (!kill.waitFor(10, TimeUnit.SECONDS) || kill.exitValue() != 0) {
                throw new IllegalStateException("kill -" + name + " " + pid + " did not work");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    static void awaitEnd(long pid, Duration limit) {
        var process = ProcessHandle.of(pid);
        try {
            if (process.isPresent()) {
                process.get().onExit().get(limit.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("process " + pid + " has not ended within " + limit.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** The processes whose command or environment names this text, but for those that are known. */
    static List<String> mentioning(String text, List<Long> known) {
        return ProcessHandle.allProcesses()
                .filter(process -> process.pid() != ProcessHandle.current().pid() && !known.contains(process.pid()))
                .filter(process -> says(process.pid(), "environ", text) || says(process.pid(), "cmdline", text))
                .map(process -> "process " + process.pid() + " "
                        + read(process.pid(), "cmdline").replace('\0', ' ').strip())
                .toList();
    }

    private static boolean says(long pid, String file, String text) {
        return read(pid, file).contains(text);
    }

    private static String read(long pid, String file) {
        try {
            return new String(Files.readAllBytes(Path.of("/proc/" + pid + "/" + file)), StandardCharsets.UTF_8);
        } catch (IOException _) {
            return ""; // it has ended, or is not ours
        }
    }
}
