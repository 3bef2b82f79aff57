package dev.orrery.store;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.domain.StartupException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process of its own that opens the embedded database of a folder, commits a row, and holds it until it is killed. */
final class HeldDatabase implements AutoCloseable {

    private final Process process;
    private final String answer;

    private HeldDatabase(Process process, String answer) {
        this.process = process;
        this.answer = answer;
    }

    /** Started with a prefix, such as one that makes namespaces. */
    static HeldDatabase open(Path folder, String... prefix) throws IOException {
        var command = new ArrayList<>(List.of(prefix));
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                HeldDatabase.class.getName(),
                folder.toString()));
        var process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        var reader = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        var answer = reader.lines()
                .filter(line -> line.startsWith("open ") || line.startsWith("refused "))
                .findFirst()
                .orElse("nothing");
        return new HeldDatabase(process, answer);
    }

    /** {@code open} and the server's process, or {@code refused} and the reason. */
    String answer() {
        return answer;
    }

    ProcessHandle server() {
        return ProcessHandle.of(Long.parseLong(answer.substring("open ".length())))
                .orElseThrow();
    }

    long pid() {
        return process.pid();
    }

    /** As {@code kill -9}. */
    void kill() {
        process.destroyForcibly().onExit().orTimeout(10, TimeUnit.SECONDS).join();
    }

    @Override
    public void close() {
        kill();
    }

    public static void main(String[] arguments) throws Exception {
        try (var database = Database.open(DatabaseConfig.DEFAULT, Path.of(arguments[0]))) {
            try (var connection = Jdbc.connect(database.jdbcUrl(), database.user(), database.password());
                    var statement = connection.createStatement()) {
                statement.execute("CREATE TABLE IF NOT EXISTS kept (pid bigint)");
                statement.execute(
                        "INSERT INTO kept VALUES (" + ProcessHandle.current().pid() + ")");
            }
            System.out.println("open " + database.embeddedPid().orElseThrow());
            System.in.read();
        } catch (StartupException e) {
            System.out.println("refused " + e.getMessage());
        }
    }
}
