package dev.orrery.cli;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What tasks do while they run, with the real program: they call the node by what they find in their environment. */
class RunningTasksE2E {

    private static final String TOKEN = "the-token-of-the-node";
    private static final String SUBMIT =
            "curl -sS --fail-with-body $ORRERY_API/tasks -H \"Authorization: Bearer $ORRERY_TOKEN\""
                    + " -H 'Content-Type: application/json' -d '{\"type\": \"shell\", \"command\": \"sleep 600\"}'";

    @TempDir
    static Path folder;

    private static NodeProcess node;

    @BeforeAll
    static void start() throws IOException {
        node = NodeProcess.start(folder.resolve("data"), "--set", "http.token=" + TOKEN);
    }

    @AfterAll
    static void stop() {
        if (node != null) {
            node.close();
        }
    }

    @Test
    void theExampleCompletesWithItsChildren() throws IOException {
        var example =
                Path.of("conf/examples/queue/split.jsonl").toAbsolutePath().toString();

        var submitted = run("task", "submit", "--file", example, "--wait");

        assertThat(submitted.exitCode()).as(submitted.out() + submitted.err()).isZero();
        var parent = only("split");
        assertThat(parent.getString("state")).isEqualTo("completed");
        assertThat(children(parent).stream().map(child -> child.getString("name")))
                .containsExactlyInAnyOrder("left", "right");
        assertThat(children(parent)).allMatch(child -> child.getString("state").equals("completed"));
        assertThat(run("task", "logs", parent.getString("id")).out()).doesNotContain("orrtask_");
    }

    @Test
    void aCancelOfTheParentReachesTheChildrenThatItSubmitted() throws IOException {
        run("task", "submit", "--name", "parent", "--shell", SUBMIT + "; " + SUBMIT + "; sleep 600");
        until("both children are there", () -> children(only("parent")).size() == 2);

        assertThat(run("task", "cancel", only("parent").getString("id")).exitCode())
                .isZero();

        until(
                "all are cancelled",
                () -> only("parent").getString("state").equals("cancelled")
                        && children(only("parent")).stream()
                                .allMatch(child -> child.getString("state").equals("cancelled")));
    }

    @Test
    void theCommandLineTakesNodeAndTokenFromTheEnvironmentOfATask() throws IOException {
        var orrery = String.join(
                " ", ProgramRun.commandLine("task", "submit", "--name", "grandchild", "--shell", "true", "--wait"));

        var submitted = run("task", "submit", "--name", "teller", "--shell", orrery, "--wait");

        assertThat(submitted.exitCode()).as(submitted.out() + submitted.err()).isZero();
        assertThat(only("grandchild").getString("parentTaskId"))
                .isEqualTo(only("teller").getString("id"));
        assertThat(only("grandchild").getString("source")).isEqualTo("task");
    }

    @Test
    void aTaskThatPutItselfOffIsRunAgainThoughItsNodeDiesRightAfter() throws IOException {
        run("task", "submit", "--name", "patient", "--shell", "[ $ORRERY_ATTEMPT = 2 ] || echo ::snooze 4s");
        var id = only("patient").getString("id");
        until("it is put off", () -> outcomes(id).equals(List.of("snoozed")));

        node.kill();
        node = NodeProcess.start(folder.resolve("data"), "--set", "http.token=" + TOKEN);

        until("it is run again", () -> outcomes(id).equals(List.of("snoozed", "succeeded")));
        assertThat(only("patient").getString("state")).isEqualTo("completed");
    }

    /** Read where it is quick: a command takes as long as the task is put off for. */
    private static List<String> outcomes(String id) {
        try (var connection = node.database();
                var query = connection.prepareStatement(
                        "SELECT outcome FROM task_attempts WHERE task_id = ?::uuid ORDER BY attempt")) {
            query.setString(1, id);
            try (var row = query.executeQuery()) {
                var outcomes = new ArrayList<String>();
                while (row.next()) {
                    outcomes.add(row.getString(1));
                }
                return outcomes;
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static ProgramRun run(String... arguments) throws IOException {
        var variables = Map.of("ORRERY_SERVER", node.address().toString(), "ORRERY_TOKEN", TOKEN);
        var run = ProgramRun.start(folder, variables, arguments);
        run.exitCode();
        return run;
    }

    private static JsonObject only(String name) {
        return tasks("").stream()
                .filter(task -> task.getString("name").equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no task " + name));
    }

    private static List<JsonObject> children(JsonObject parent) {
        return tasks(" --parent " + parent.getString("id"));
    }

    private static List<JsonObject> tasks(String options) {
        try {
            var list = run(("task list --limit 100 -o json" + options).split(" "));
            assertThat(list.exitCode()).as(list.err()).isZero();
            return Arrays.stream(new JsonObject(list.out())
                            .getJsonArray("items").stream().toArray())
                    .map(JsonObject.class::cast)
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
