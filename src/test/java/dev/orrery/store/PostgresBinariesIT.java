package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PostgresBinariesIT {

    @TempDir
    Path folder;

    @Test
    void theProgramsAreUnpackedOnceAndRun() throws IOException {
        var binaries = PostgresBinaries.bundled(List.of(folder));
        var postgres = binaries.program("postgres");
        var unpackedAt = Files.getLastModifiedTime(postgres.getParent());

        assertThat(ServerProcess.majorOf(binaries)).isEqualTo(PostgresBinaries.bundledMajor());
        assertThat(PostgresBinaries.bundled(List.of(folder))).isEqualTo(binaries);
        assertThat(Files.getLastModifiedTime(postgres.getParent())).isEqualTo(unpackedAt);
        try (var left = Files.list(folder)) {
            assertThat(left).singleElement().asString().doesNotContain("unfinished");
        }
    }

    @Test
    void aFolderThatCannotBeWrittenIsPassedOver() throws IOException {
        var file = Files.createFile(folder.resolve("file"));
        var other = folder.resolve("other");

        var binaries = PostgresBinaries.bundled(List.of(file.resolve("cache"), other));

        assertThat(binaries.bin()).startsWith(other);
    }

    @Test
    void withNoFolderToWriteToTheCureIsTold() throws IOException {
        var file = Files.createFile(folder.resolve("file"));

        assertThatThrownBy(() -> PostgresBinaries.bundled(List.of(file)))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll(file.toString(), "make room or give write permission", "database.url");
    }

    @ParameterizedTest
    @CsvSource({"Linux,amd64,linux-x86_64", "Linux,aarch64,linux-arm_64"})
    void theArchiveIsChosenByPlatform(String system, String architecture, String platform) {
        assertThat(PostgresBinaries.platform(system, architecture)).isEqualTo(platform);
        assertThat(PostgresBinaries.class.getResource("/postgres-" + platform + ".txz"))
                .isNotNull();
    }

    @ParameterizedTest
    @CsvSource({"Linux,riscv64", "Windows 11,amd64", "Mac OS X,aarch64"})
    void withoutAnArchiveTheCureIsTold(String system, String architecture) {
        assertThatThrownBy(() -> PostgresBinaries.platform(system, architecture))
                .isInstanceOf(StartupException.class)
                .hasMessageContainingAll(system, architecture, "database.url");
    }
}
