package dev.orrery.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.testing.Needed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Secrets in files that belong to the account of tasks, or to its group. */
class ReadableByTasksTest {

    /** No account of any system has this number. */
    private static final int USER = 45_879;

    @TempDir
    private Path folder;

    private Path secret;
    private String user = String.valueOf(USER);

    @BeforeEach
    void aSecret() throws IOException {
        Needed.that(System.getProperty("user.name").equals("root"), "only root can give files away");
        secret = Files.writeString(folder.resolve("key"), "zebra-4711");
        rights("rw-r-----");
    }

    @Test
    void whatBelongsToTheAccountOfTasksIsRefused() throws IOException {
        rights("rw-------");
        Files.setAttribute(secret, "unix:uid", USER, LinkOption.NOFOLLOW_LINKS);

        assertThat(refusal()).contains("it belongs to tasks.user");
    }

    @Test
    void whatItsGroupMayReadIsRefused() throws IOException {
        Files.setAttribute(secret, "unix:gid", USER, LinkOption.NOFOLLOW_LINKS);

        assertThat(refusal()).contains("the group of tasks.user may read it");

        rights("rw-------");
        assertThat(load()).isEqualTo(1);
    }

    /** The file tells its owner by name, and nobody's group is nogroup on many systems. */
    @ParameterizedTest
    @ValueSource(strings = {"nobody", "65534"})
    void anAccountIsTheSameByNameAndByNumberAndItsGroupMayBeCalledOtherwise(String nobody) throws IOException {
        user = nobody;
        Files.setAttribute(secret, "unix:gid", 65_534, LinkOption.NOFOLLOW_LINKS);
        assertThat(refusal()).contains("the group of tasks.user may read it");

        rights("rw-------");
        Files.setAttribute(secret, "unix:uid", 65_534, LinkOption.NOFOLLOW_LINKS);
        assertThat(refusal()).contains("it belongs to tasks.user");
    }

    private void rights(String text) throws IOException {
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString(text));
    }

    private String refusal() {
        return catchThrowableOfType(ConfigException.class, this::load)
                .problems()
                .toString();
    }

    private int load() {
        var flags = List.of(
                ConfigFlag.set("tasks.isolation=1"),
                ConfigFlag.set("tasks.user=" + user),
                ConfigFlag.set("tasks.secrets=KEY=file:" + secret));
        return ConfigLoader.load(new ConfigSources(Optional.empty(), Map.of(), flags))
                .config()
                .tasks()
                .isolation()
                .level();
    }
}
