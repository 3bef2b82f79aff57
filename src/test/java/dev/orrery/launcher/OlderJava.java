package dev.orrery.launcher;

import dev.orrery.testing.Needed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A Java that is too old for the program, where the machine has one. */
final class OlderJava {
    private static final Path INSTALLED = Path.of("/usr/lib/jvm");

    private OlderJava() {}

    /** Its program; where there is none the test is skipped, and fails where CI=true. */
    static Path program() throws IOException {
        List<Path> older;
        try (Stream<Path> homes = Files.exists(INSTALLED) ? Files.list(INSTALLED) : Stream.empty()) {
            older = homes.filter(OlderJava::isOlder).sorted().toList();
        }
        Needed.that(!older.isEmpty(), "no Java older than " + Launcher.JAVA_NEEDED + " in " + INSTALLED);
        return older.getFirst().resolve("bin/java");
    }

    /** The flag that has a JVM of ours count what it covers; none where coverage is off. */
    static List<String> coverageFlag() {
        String agent = System.getProperty("orrery.agent", "");
        return agent.isBlank() ? List.of() : List.of(agent);
    }

    private static boolean isOlder(Path home) {
        if (!Files.isExecutable(home.resolve("bin/java"))) {
            return false;
        }
        try (Stream<String> lines = Files.lines(home.resolve("release"))) {
            return lines.filter(line -> line.startsWith("JAVA_VERSION="))
                    .map(line -> JavaHomes.feature(line.substring(13).replace("\"", "")))
                    .anyMatch(version -> version >= 8 && version < Launcher.JAVA_NEEDED);
        } catch (IOException noReleaseFile) {
            return false;
        }
    }
}
