package dev.orrery.cli;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dead letters over the command line, against a real node. */
class DeadLetterCommandE2E {

    @TempDir
    private Path folder;

    private NodeProcess node;

    @BeforeEach
    void start() throws IOException {
        node = NodeProcess.start(folder.resolve("data"));
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void whatFailedIsFoundMendedAndSentBackOrDiscarded() throws IOException {
        var flag = folder.resolve("mended");
        ok("task", "submit", "--name", "flaky", "--shell", "test -e " + flag, "--retries", "0");
        ok("task", "submit", "--name", "hopeless", "--shell", "exit 7", "--retries", "0");
        until("both have failed", () -> letters("").size() == 2);

        assertThat(ok("dead-letter", "groups")).contains("exit code");
        assertThat(ok("dead-letter", "list", "--name", "hopeless"))
                .contains("hopeless")
                .doesNotContain("flaky");
        var flaky = idOf("flaky");
        assertThat(ok("dead-letter", "show", flaky)).contains("exit code 1").contains("test -e");

        Files.createFile(flag);
        assertThat(ok("dead-letter", "redrive", flaky, "--by", "ada", "--input", "{\"mended\":true}"))
                .contains("redriven");
        until("it succeeds", () -> letters("").size() == 1 && isCompleted("flaky", 1));
        assertThat(ok("dead-letter", "show", flaky))
                .contains("input        {}")
                .contains("sent back    with the input {\"mended\":true}");
        ok("dead-letter", "discard", idOf("hopeless"), "--reason", "nobody needs it");

        assertThat(letters("")).isEmpty();
        var twice = run("dead-letter", "redrive", flaky);
        assertThat(twice.exitCode()).isNotZero();
        assertThat(twice.err()).contains("was sent back already");
        var unclear = run("dead-letter", "redrive");
        assertThat(unclear.exitCode()).isEqualTo(2);
        assertThat(unclear.err()).contains("--all");
        assertThat(run("dead-letter", "show", "nonsense").err()).contains("nonsense");
    }

    @Test
    void allOfAKindAreSentBackWithChangesAndItIsToldWhoAskedAndWhatWasRefused() throws IOException {
        for (var order = 1; order <= 2; order++) {
            ok(
                    "task",
                    "submit",
                    "--name",
                    "moved",
                    "--shell",
                    "grep -q eu $ORRERY_PARAMS",
                    "--retries",
                    "0",
                    "--input",
                    "{\"order\": " + order + ", \"region\": \"us\"}");
        }
        ok("task", "submit", "--name", "moved", "--shell", "exit 1", "--retries", "0", "--input", "7");
        until("all have failed", () -> letters("?name=moved").size() == 3);
        var both = run("dead-letter", "redrive", "--all", "--input", "1", "--patch", "{}");
        assertThat(both.exitCode()).isEqualTo(2);
        assertThat(both.err()).contains("exclude each other");
        assertThat(run("dead-letter", "redrive", "--all", "--outcome", "broken").err())
                .contains("filter.outcome")
                .contains("possible: ");

        assertThat(ok("dead-letter", "redrive", "--all", "--dry-run")).startsWith("3 letters would ");

        var begun = ok(
                "dead-letter", "redrive", "--all", "--name", "moved", "--patch", "{\"region\": \"eu\"}", "--as", "ada");

        assertThat(begun).contains("of 3 letters has begun");
        var redrive = begun.split(" ", -1)[1];
        until("it is done", () -> count("letter_redrives WHERE ended_at IS NOT NULL") == 1);
        assertThat(ok("dead-letter", "redrives", redrive))
                .contains("like {\"name\":\"moved\"")
                .contains("asked by     ada")
                .contains("input        patched")
                .contains("done         2 of 3 letters")
                .contains("1 were given what is no object");
        until("two succeed", () -> isCompleted("moved", 2));
        assertThat(ok("dead-letter", "groups", "--state", "redriven")).contains("2  ");
        assertThat(ok("dead-letter", "redrives")).contains(redrive).contains("ada");
    }

    private int count(String from) {
        try (var connection = node.database();
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT count(*) FROM " + from)) {
            rows.next();
            return rows.getInt(1);
        } catch (SQLException e) {
            throw new IllegalStateException(from, e);
        }
    }

    private JsonArray letters(String query) {
        try {
            return new JsonObject(node.get("/api/v1/dead-letters" + query).body()).getJsonArray("items");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String idOf(String name) {
        return letters("?name=" + name).getJsonObject(0).getString("id");
    }

    private boolean isCompleted(String name, int times) {
        return count("task_instances i JOIN task_states s ON s.id = i.id WHERE i.name = '" + name
                        + "' AND s.state = 'succeeded'")
                == times;
    }

    private ProgramRun run(String... arguments) throws IOException {
        var run = ProgramRun.start(
                folder, Map.of("ORRERY_SERVER", node.address().toString()), ProgramRun.commandLine(arguments));
        run.exitCode();
        return run;
    }

    private String ok(String... arguments) throws IOException {
        var run = run(arguments);
        assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
        return run.out();
    }
}
