package dev.orrery.launcher;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * The places where a Java may be installed, and what their {@code release} files say. What the user names (JAVA_HOME,
 * JDK_HOME, the path) goes before what merely lies in the usual folders; of those, the oldest that is new enough wins,
 * as it is nearest to the one we test with.
 */
final class JavaHomes {
    private final List<File> named = new ArrayList<File>();
    private final List<File> folders = new ArrayList<File>();

    private JavaHomes() {}

    static JavaHomes ofThisMachine() {
        return of(System.getenv(), System.getProperty("user.home"), "/");
    }

    /** @param root what absolute folders are taken below; a folder of its own in tests. */
    static JavaHomes of(Map<String, String> environment, String userHome, String root) {
        JavaHomes homes = new JavaHomes();
        for (String variable : Arrays.asList("JAVA_HOME", "JDK_HOME")) {
            String value = environment.get(variable);
            if (value != null && !value.isEmpty()) {
                homes.named.add(new File(value));
            }
        }
        String path = environment.get("PATH");
        for (String entry : (path == null ? "" : path).split(File.pathSeparator)) {
            homes.addHomeOfProgram(new File(entry, "java"));
        }
        for (String folder : Arrays.asList(
                "usr/lib/jvm",
                "usr/java",
                "usr/local/lib/jvm",
                "opt",
                "opt/java",
                "Library/Java/JavaVirtualMachines",
                "opt/homebrew/opt",
                "usr/local/opt")) {
            homes.folders.add(new File(root, folder));
        }
        for (String folder : Arrays.asList(
                ".sdkman/candidates/java",
                ".jdks",
                ".asdf/installs/java",
                ".local/share/mise/installs/java",
                "Library/Java/JavaVirtualMachines")) {
            homes.folders.add(new File(userHome, folder));
        }
        return homes;
    }

    private void addHomeOfProgram(File program) {
        if (!program.canExecute()) {
            return;
        }
        try {
            File bin = program.getCanonicalFile().getParentFile();
            if (bin != null && bin.getParentFile() != null) {
                named.add(bin.getParentFile());
            }
        } catch (IOException unreadableLink) {
            // A program we cannot follow to its home is none we could start.
            return;
        }
    }

    /** The java program to start, or null where none is new enough. */
    String newEnough() {
        for (File home : named) {
            if (version(home) >= Launcher.JAVA_NEEDED) {
                return program(home).getPath();
            }
        }
        File best = null;
        for (File home : installed()) {
            int version = version(home);
            if (version >= Launcher.JAVA_NEEDED && (best == null || version < version(best))) {
                best = home;
            }
        }
        return best == null ? null : program(best).getPath();
    }

    /** Where we look, for a message. */
    String searched() {
        StringBuilder text = new StringBuilder("JAVA_HOME, JDK_HOME, PATH");
        for (File folder : folders) {
            if (folder.isDirectory()) {
                text.append(", ").append(folder);
            }
        }
        return text.toString();
    }

    private List<File> installed() {
        List<File> homes = new ArrayList<File>();
        for (File folder : folders) {
            File[] entries = folder.listFiles();
            if (entries == null) {
                continue;
            }
            Arrays.sort(entries);
            for (File entry : entries) {
                homes.add(entry);
                homes.add(new File(entry, "Contents/Home"));
                homes.add(new File(entry, "libexec/openjdk.jdk/Contents/Home"));
            }
        }
        return homes;
    }

    private static File program(File home) {
        return new File(home, "bin/java");
    }

    /** The feature version of the Java in this folder; 0 where there is none. */
    private static int version(File home) {
        File release = new File(home, "release");
        if (!program(home).canExecute() || !release.isFile()) {
            return 0;
        }
        Properties properties = new Properties();
        try (InputStream in = new FileInputStream(release)) {
            properties.load(in);
        } catch (IOException | IllegalArgumentException unreadable) {
            return 0;
        }
        return feature(properties.getProperty("JAVA_VERSION", "").replace("\"", ""));
    }

    /** 8 of "1.8.0_402", 25 of "25", "25.0.1" and "25-ea"; 0 of what is no version. */
    static int feature(String version) {
        String[] parts = version.split("[^0-9]", 3);
        String digits = parts.length > 1 && parts[0].equals("1") ? parts[1] : parts[0];
        return digits.isEmpty() || digits.length() > 4 ? 0 : Integer.parseInt(digits);
    }
}
