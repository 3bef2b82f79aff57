package dev.orrery.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What a test needs of the machine: where it is missing the test is skipped, but where CI=true it fails. */
public final class Needed {

    private Needed() {}

    /** A program on the PATH, and the Debian package that brings it. */
    public static void program(String name, String debianPackage) {
        var path = Stream.of(System.getenv("PATH").split(File.pathSeparator));
        that(
                path.anyMatch(folder -> Files.isExecutable(Path.of(folder, name))),
                name + " is not installed: apt-get install " + debianPackage);
    }

    /** {@code missing}: what to say where it is not there. */
    public static void that(boolean isThere, String missing) {
        if (isThere) {
            return; // before anything of JUnit is touched, which the programs behind our scripts do without
        }
        if ("true".equals(System.getenv("CI"))) {
            throw new AssertionError(missing);
        }
        assumeTrue(false, missing);
    }
}
