package dev.orrery.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JavaHomesTest {
    @TempDir
    Path root;

    @ParameterizedTest
    @CsvSource({"1.8,8", "1.8.0_402,8", "9,9", "17.0.15,17", "25,25", "25.0.1,25", "26-ea,26", "'',0", "unknown,0"})
    void theFeatureVersionIsReadFromEveryFormOfVersion(String version, int feature) {
        assertThat(JavaHomes.feature(version)).isEqualTo(feature);
    }

    @Test
    void javaHomeGoesBeforeWhatLiesInTheUsualFolders() throws IOException {
        install("usr/lib/jvm/jdk-25", "25.0.1");
        Path named = install("somewhere/else", "26");

        assertThat(homes(Map.of("JAVA_HOME", named.toString())).newEnough())
                .isEqualTo(named.resolve("bin/java").toString());
    }

    @Test
    void anOldJavaHomeIsPassedOverForANewerJavaInTheUsualFolders() throws IOException {
        Path old = install("usr/lib/jvm/jdk-17", "17.0.15");
        Path found = install("usr/lib/jvm/jdk-25", "25.0.1");

        assertThat(homes(Map.of("JAVA_HOME", old.toString())).newEnough())
                .isEqualTo(found.resolve("bin/java").toString());
    }

    @Test
    void theOldestThatIsNewEnoughIsTaken() throws IOException {
        install("opt/jdk-27", "27");
        Path nearest = install("home/.sdkman/candidates/java/25.0.2-tem", "25.0.2");
        install("home/.jdks/openjdk-26", "26");

        assertThat(homes(Map.of()).newEnough())
                .isEqualTo(nearest.resolve("bin/java").toString());
    }

    @Test
    void theJavaOnThePathIsFollowedThroughItsLinks() throws IOException {
        Path home = install("far/away/jdk", "25");
        Path bin = Files.createDirectories(root.resolve("bin"));
        Files.createSymbolicLink(bin.resolve("java"), home.resolve("bin/java"));

        assertThat(homes(Map.of("PATH", root.resolve("nowhere") + ":" + bin)).newEnough())
                .isEqualTo(home.toRealPath().resolve("bin/java").toString());
    }

    @Test
    void aMacBundleIsFoundInsideItsFolder() throws IOException {
        Path home = install("Library/Java/JavaVirtualMachines/temurin-25.jdk/Contents/Home", "25.0.1");

        assertThat(homes(Map.of()).newEnough())
                .isEqualTo(home.resolve("bin/java").toString());
    }

    @Test
    void whereNoneIsNewEnoughOneLineNamesWhatIsMissingAndTheCure() throws Exception {
        install("usr/lib/jvm/jdk-17", "17.0.15");
        Files.createDirectories(root.resolve("usr/lib/jvm/not-a-java"));
        ByteArrayOutputStream err = new ByteArrayOutputStream();

        int exit = Launcher.runElsewhere(
                homes(Map.of()), new String[0], new PrintStream(err, true, StandardCharsets.UTF_8));

        assertThat(exit).isEqualTo(78);
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .singleElement()
                .asString()
                .contains("needs Java 25")
                .contains(root.resolve("usr/lib/jvm").toString())
                .contains("Install a JDK 25, or set JAVA_HOME");
    }

    private JavaHomes homes(Map<String, String> environment) {
        return JavaHomes.of(environment, root.resolve("home").toString(), root.toString());
    }

    private Path install(String folder, String version) throws IOException {
        Path home = Files.createDirectories(root.resolve(folder));
        Path program = Files.createDirectories(home.resolve("bin")).resolve("java");
        Files.writeString(program, "#!/bin/sh\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"Test\"\nJAVA_VERSION=\"" + version + "\"\n");
        return home;
    }
}
