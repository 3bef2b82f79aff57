package dev.orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Await;
import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs over the command line, against a real node. */
class JobCommandE2E {

    @TempDir
    private static Path nodeFolder;

    private static NodeProcess node;

    @TempDir
    private Path folder;

    @BeforeAll
    static void start() throws IOException {
        node = NodeProcess.start(nodeFolder.resolve("data"));
    }

    @AfterAll
    static void stop() {
        if (node != null) {
            node.close();
        }
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

    @Test
    void aJobIsRegisteredFiredAndEnded() throws IOException {
        Files.writeString(folder.resolve("env.json"), "{\"env\": {\"WHO\": \"the moon\"}}");

        var made = ok(
                "job",
                "create",
                "--name",
                "greet",
                "--cron",
                "30 2 29 3 *",
                "--timezone",
                "Europe/Berlin",
                "--shell",
                "test -e \"$FLAG\" || { echo good night $WHO; exit 3; }"
                        .replace("$FLAG", folder.resolve("flag").toString()),
                "--payload",
                "@env.json",
                "--retries",
                "0",
                "--tag",
                "night");

        assertThat(made).startsWith("✔ registered greet: job ").contains("-03-29T0");
        assertThat(ok("job", "list", "--tag", "night")).contains("greet").contains("30 2 29 3 *");
        assertThat(ok("job", "next", "greet")).contains("Europe/Berlin");
        var fired = ok("job", "trigger", "greet");
        var execution = fired.strip().substring(fired.lastIndexOf(' ') + 1);
        assertThat(run("run", "watch", execution).exitCode()).isEqualTo(1);
        Await.until("its end is counted", () -> history("failed").contains(execution));
        assertThat(ok("run", "logs", execution)).contains("good night the moon");

        Files.createFile(folder.resolve("flag"));
        assertThat(ok("job", "retry", execution)).contains("is tried again");
        Await.until("it has succeeded", () -> history("success").contains(execution));
        assertThat(ok("job", "stats", "greet")).contains("success      100.0%");
        assertThat(ok("job", "pause", "greet")).contains("paused greet");
        assertThat(ok("job", "resume", "greet")).contains("resumed greet");
        assertThat(ok("job", "cancel", "greet", "--running")).contains("cancelled greet");
        assertThat(ok("job", "show", "greet"))
                .contains("status       cancelled")
                .contains("1 succeeded");
        assertThat(ok("job", "delete", "greet")).isEqualTo("deleted greet\n");
        assertThat(run("job", "show", "greet").exitCode()).isEqualTo(3);
    }

    private String history(String status) {
        try {
            return ok("job", "history", "greet", "--status", status);
        } catch (IOException broken) {
            throw new AssertionError(broken);
        }
    }

    @Test
    void anEventFiresAHandlerAndIsReplayed() throws IOException {
        ok(
                "event-handler",
                "create",
                "order.paid",
                "--name",
                "bill",
                "--filter",
                "event.payload.amount > 100",
                "--mapping",
                "{'order': event.payload.id}",
                "--shell",
                "cat \"$ORRERY_PARAMS\"");

        var sent = ok("event", "send", "order.paid", "--payload", "{\"id\": 7, \"amount\": 120.5}", "--key", "order-7");
        ok("event", "send", "order.paid", "--payload", "{\"id\": 8, \"amount\": 1}");

        assertThat(sent).startsWith("✔ order.paid is published: event ").contains("fired");
        assertThat(ok("event", "send", "order.paid", "--payload", "{\"id\": 7, \"amount\": 120.5}", "--key", "order-7"))
                .contains("was published before");
        var id = sent.lines().findFirst().orElseThrow().replaceFirst(".* ", "");
        assertThat(ok("event", "show", id)).contains("order-7").contains("fired");
        assertThat(ok("event", "replay", id)).contains("1 event replayed");
        Await.until("both executions are counted", () -> handler().contains("2 (2 succeeded, 0 failed)"));
        var execution = sent.strip().replaceFirst("(?s).* fired +", "").strip();
        assertThat(ok("run", "logs", execution)).contains("{\"order\":7}");
        assertThat(ok("event-handler", "disable", "bill")).contains("disabled bill");
        assertThat(handler()).contains("status      paused");
        assertThat(ok("event-handler", "enable", "bill")).contains("enabled bill");
        assertThat(handler()).contains("status      active");
        assertThat(ok("event-handler", "delete", "bill")).isEqualTo("deleted bill\n");
    }

    @Test
    void aWebhookIsMadeOfASecretInAFile() throws IOException {
        Files.writeString(folder.resolve("secret.txt"), "a-long-random-text\n");

        var made = ok("webhook", "create", "shop", "--event", "order.paid", "--secret-file", "secret.txt");

        var url = URI.create(made.strip().replaceFirst("(?s).* ", ""));
        assertThat(url).hasPath("/api/v1/webhooks/shop");
        assertThat(ok("webhook", "show", "shop")).contains("scheme     standard", "secrets    one");
        assertThat(run("webhook", "create", "shop", "--event", "e", "--secret-file", "secret.txt")
                        .err())
                .contains("shop")
                .doesNotContain("a-long-random-text");
        assertThat(ok("webhook", "delete", "shop")).isEqualTo("deleted shop\n");
        assertThat(run("webhook", "show", "shop").exitCode()).isEqualTo(3);
    }

    private String handler() {
        try {
            return ok("event-handler", "show", "bill");
        } catch (IOException broken) {
            throw new AssertionError(broken);
        }
    }

    @Test
    void whatTheNodeFindsWrongIsToldByItsOption() throws IOException {
        var run = run("job", "create", "--name", "bad", "--cron", "61 * * * *", "--timezone", "Mars", "--shell", "x");

        assertThat(run.exitCode()).isEqualTo(4);
        assertThat(run.err())
                .contains("--cron its minute '61' is wrong")
                .contains("--timezone no time zone is called 'Mars'");
    }

    @Test
    void aCrontabIsImportedOnceAndItsLinesRunAsUnderCron() throws IOException {
        Files.writeString(folder.resolve("my.crontab"), """
                MAILTO=ops
                SHELL=/bin/bash
                GREETING=good morning
                HOME=%s
                # Says it
                0 6 * * mon-fri echo "$GREETING" {1..2} $(cat) > said%%one%%\\%%two
                @monthly true
                """.formatted(folder));

        assertThat(ok("job", "import", "crontab", "my.crontab", "--timezone", "UTC"))
                .contains("   6  created ")
                .contains("   7  created ")
                .contains("line 6: not carried over: MAILTO=ops");
        assertThat(ok("job", "import", "crontab", "my.crontab", "--timezone", "UTC"))
                .contains("   6  unchanged ")
                .contains("   7  unchanged ");
        ok("job", "trigger", "Says it");
        var said = folder.resolve("said");
        Await.until(
                "the command has run", () -> Files.exists(said) && read(said).endsWith("\n"));
        assertThat(read(said)).isEqualTo("good morning 1 2 one %two\n");
        ok("job", "delete", "crontab:my.crontab:7");
        assertThat(ok("job", "import", "crontab", "my.crontab", "--timezone", "UTC"))
                .contains("   6  unchanged ")
                .contains("   7  created ");
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException broken) {
            throw new AssertionError(broken);
        }
    }
}
