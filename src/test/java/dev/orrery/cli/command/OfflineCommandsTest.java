package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.client.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OfflineCommandsTest {

    @TempDir
    private Path folder;

    private final CommandRun command = new CommandRun();

    @BeforeEach
    void files() throws IOException {
        Files.writeString(folder.resolve("good.yaml"), """
                name: good
                tasks:
                  - { id: a, type: handler, handler: noop }
                  - { id: b, type: handler, handler: noop, dependencies: [a] }
                """);
        Files.writeString(folder.resolve("bad.yaml"), """
                name: bad
                tasks:
                  - id: a
                    type: shell
                    comand: echo hello
                """);
        command.in(folder);
    }

    @Test
    void aValidFileIsSaidToBeSo() {
        assertThat(command.run("dag", "validate", "good.yaml")).isZero();
        assertThat(command.out()).isEqualTo("ok: good.yaml: valid, 2 tasks\n");
    }

    @Test
    void everyProblemIsToldWithItsLineACaretAndTheCure() {
        assertThat(command.run("dag", "validate", "good.yaml", "bad.yaml")).isEqualTo(4);
        assertThat(command.out())
                .startsWith("ok: good.yaml: valid, 2 tasks\n")
                .contains("""
                        bad.yaml:5:5 UNKNOWN_FIELD unknown field 'comand'
                            5 |     comand: echo hello
                              |     ^
                          help: did you mean 'command'?
                        """)
                .endsWith(" in bad.yaml\n");
    }

    @Test
    void programsGetTheProblemsAsJson() {
        assertThat(command.run("dag", "validate", "good.yaml", "bad.yaml", "--output", "json"))
                .isEqualTo(4);

        var reports = JsonObject.parseList(command.out());
        assertThat(reports)
                .extracting(report -> report.flag("valid").orElseThrow())
                .containsExactly(true, false);
        var problem = reports.get(1).objects("problems").getFirst();
        assertThat(problem.text("file")).isEmpty();
        assertThat(problem.textOrEmpty("code")).isNotEmpty();
        assertThat(problem.integer("line")).isPositive();
    }

    @Test
    void aFileMayComeFromStandardInput() {
        command.reading("tasks: []");

        assertThat(command.run("dag", "validate", "-")).isEqualTo(4);
        assertThat(command.out()).startsWith("<stdin>:");
    }

    @Test
    void aFileThatIsNotThereIsWrongUsage() {
        assertThat(command.run("dag", "validate", "nowhere.yaml")).isEqualTo(2);
        assertThat(command.err()).contains("cannot read nowhere.yaml: there is no such file");
    }

    @Test
    void aFolderIsNoFile() {
        assertThat(command.run("dag", "validate", ".")).isEqualTo(2);
        assertThat(command.err()).contains("cannot read .:");
    }

    @Test
    void theFileToBeginWithIsValid() {
        assertThat(command.run("dag", "new", "my first dag")).isZero();

        var check = new CommandRun().reading(command.out());
        assertThat(check.run("dag", "validate", "-")).isZero();
    }

    @Test
    void aNameThatNoDagCanHaveIsRefused() {
        assertThat(command.run("dag", "new", " ")).isEqualTo(2);
    }

    @Test
    void aFileIsDrawnAsTextOrAsMermaid() {
        assertThat(command.run("dag", "graph", "good.yaml")).isZero();
        assertThat(command.out()).contains("good").contains("a").contains("b");

        var mermaid = new CommandRun().in(folder);
        assertThat(mermaid.run("dag", "graph", "good.yaml", "--format", "mermaid"))
                .isZero();
        assertThat(mermaid.out()).startsWith("flowchart TD\n");
    }

    @Test
    void whatIsNotValidIsNotDrawn() {
        assertThat(command.run("dag", "graph", "bad.yaml")).isEqualTo(4);
        assertThat(command.out()).isEmpty();
        assertThat(command.err()).contains("bad.yaml:5:5 UNKNOWN_FIELD");
    }

    @Test
    void theVersionIsTold() {
        assertThat(command.run("version")).isZero();
        assertThat(command.out()).startsWith("orrery ").contains("Java ");

        var json = new CommandRun();
        assertThat(json.run("version", "-o", "json")).isZero();
        assertThat(JsonObject.parse(json.out()).text("version")).isPresent();
    }

    @Test
    void theSettingsOfANodeAreShownWithWhereTheyComeFrom() throws IOException {
        Files.writeString(folder.resolve("my.yaml"), "workers:\n  size: 8\n");

        command.with("ORRERY_HTTP_TOKEN", "s3cret").with("ORRERY_TOKEN", "other");
        assertThat(command.run("config", "--config", "my.yaml", "--http-port", "0", "--set", "router.poll=2s"))
                .isZero();

        assertThat(command.out()).doesNotContain("s3cret");
        assertThat(command.out().lines().map(line -> line.replaceAll(" +", " ")))
                .contains("http.port 0 --http-port", "router.poll 2s --set")
                .anyMatch(line -> line.startsWith("workers.size 8") && line.endsWith("my.yaml:2:9"))
                .anyMatch(line -> line.startsWith("http.token") && line.endsWith("ORRERY_HTTP_TOKEN"))
                .anyMatch(line -> line.startsWith("database.pool-size") && line.endsWith("default"));
    }

    @Test
    void programsGetTheSettingsAsJson() {
        assertThat(command.run("config", "-o", "json")).isZero();
        assertThat(JsonObject.parseList(command.out()))
                .anySatisfy(row -> assertThat(row)
                        .hasToString("{\"key\":\"http.port\",\"value\":\"8080\",\"origin\":\"default\"}"));
    }

    @Test
    void everySettingThatIsWrongIsNamedAtOnceWithItsPlace() {
        command.with("ORRERY_HTTP_PROT", "1");

        assertThat(command.run("config", "--http-port", "many", "--set", "worker.size=1"))
                .isEqualTo(2);
        assertThat(command.err())
                .contains("the configuration has 3 problems")
                .contains("ORRERY_HTTP_PROT")
                .contains("did you mean ORRERY_HTTP_PORT?")
                .contains("--http-port")
                .contains("did you mean 'workers.size'?");
    }
}
