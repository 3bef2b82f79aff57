package dev.orrery.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkRootTest {

    @TempDir
    private Path folder;

    @Test
    void onlyItsOwnerCanLookInside() throws IOException {
        var root = WorkRoot.open(folder.resolve("work"));

        assertThat(permissions(folder.resolve("work"))).isEqualTo("rwx------");
        assertThat(permissions(root.path())).isEqualTo("rwx------");
        root.close();
    }

    @Test
    void whatADeadProcessLeftIsRemovedAtTheStart() throws IOException {
        var left = Files.createDirectories(folder.resolve("left/attempt/home"));
        Files.writeString(left.resolve("file"), "x");
        Files.setPosixFilePermissions(left, PosixFilePermissions.fromString("---------"));
        Files.createFile(folder.resolve("left/.lock"));

        var root = WorkRoot.open(folder);

        assertThat(folder.resolve("left")).doesNotExist();
        root.close();
    }

    @Test
    void whatALivingProcessUsesStays() {
        var first = WorkRoot.open(folder);

        var second = WorkRoot.open(folder);

        assertThat(first.path()).isDirectory();
        assertThat(second.path()).isDirectory().isNotEqualTo(first.path());
        first.close();
        second.close();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void linksAreRemovedAndNotFollowed() throws IOException {
        var precious = Files.writeString(folder.resolve("precious"), "keep");
        var root = WorkRoot.open(folder.resolve("work"));
        Files.createSymbolicLink(root.path().resolve("link"), folder);

        root.close();

        assertThat(precious).hasContent("keep");
        assertThat(root.path()).doesNotExist();
    }

    @Test
    void aPlaceThatIsNoFolderIsNamed() throws IOException {
        var file = Files.createFile(folder.resolve("file"));

        assertThatThrownBy(() -> WorkRoot.open(file.resolve("work")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(file.resolve("work").toString());
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }
}
