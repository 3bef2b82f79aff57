package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Disk;
import dev.orrery.testing.Needed;
import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar as an account without rights, with tasks in the sandbox. */
class IsolatedWithoutRootE2E {

    private static final int NOBODY = 65_534;
    private static final List<String> AS_NOBODY = List.of(
            "setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups", "--inh-caps=-all", "--no-new-privs");

    @TempDir(factory = Disk.class)
    Path folder;

    @BeforeEach
    void need() throws Exception {
        Needed.that(System.getProperty("user.name").equals("root"), "only root can take another account");
        Needed.program("bwrap", "bubblewrap");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        Needed.that(exit("bwrap", "--unshare-all", "--ro-bind", "/", "/", "true") == 0, "no user namespaces");
        Needed.that(exit("test", "-r", NodeProcess.jar().toString()) == 0, "the jar is in a closed folder");
    }

    private static int exit(String... command) throws IOException, InterruptedException {
        var whole = new java.util.ArrayList<>(AS_NOBODY);
        whole.addAll(List.of(command));
        return new ProcessBuilder(whole).start().waitFor();
    }

    @Test
    void theSandboxHidesTheNodeAndTheTasksFromOneAnother() throws Exception {
        var data = owned("data");
        owned("home");
        try (var node = NodeProcess.beginBy(
                AS_NOBODY,
                Map.of("JAVA_TOOL_OPTIONS", "-Duser.home=" + folder.resolve("home")),
                data,
                "--set",
                "tasks.isolation=2")) {
            until("the node is ready", Duration.ofSeconds(90), () -> isReady(node));
            assertThat(owner(Path.of("/proc/" + node.pid()))).isEqualTo(NOBODY);
            var other = submit(node, "echo mine > $HOME/secret; sleep 300");
            until("it runs", () -> state(node, other).equals("running"));

            var thief = submit(
                    node,
                    "cat " + data + "/postgresql/pgpass " + data + "/work/*/*/home/secret /proc/" + node.pid()
                            + "/environ; ls " + data + "; echo mine > " + data + "/left; ls /proc | grep -c '^[0-9]';"
                            + " id -u");
            until("it has ended", () -> state(node, thief).equals("completed"));

            assertThat(node.get("/api/v1/tasks/" + thief + "/logs").body())
                    .contains("\n" + NOBODY)
                    .contains("No such file")
                    .doesNotContain("mine\n", "127.0.0.1:", "orrery.lock");
            assertThat(data.resolve("left")).doesNotExist();
            assertThat(node.post("/api/v1/tasks/" + other + "/cancel", "{}").statusCode())
                    .isLessThan(300);
            assertThat(node.stop()).isZero();
        }
    }

    private static boolean isReady(NodeProcess node) {
        assertThat(node.output()).doesNotContain("error: ");
        return node.isReady();
    }

    private Path owned(String name) throws IOException {
        var made = Files.createDirectory(folder.resolve(name));
        Files.setAttribute(made, "unix:uid", NOBODY, LinkOption.NOFOLLOW_LINKS);
        return made;
    }

    private static int owner(Path file) throws IOException {
        return (Integer) Files.getAttribute(file, "unix:uid");
    }

    private static String submit(NodeProcess node, String command) throws IOException {
        var answer = node.post(
                "/api/v1/tasks",
                new JsonObject().put("type", "shell").put("command", command).encode());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return new JsonObject(answer.body()).getString("id");
    }

    private static String state(NodeProcess node, String task) {
        try {
            return new JsonObject(node.get("/api/v1/tasks/" + task).body()).getString("state");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
