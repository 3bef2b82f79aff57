package dev.orrery.launcher;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Runs the program as a child under another Java and behaves, to whoever started us, as if we were that child. */
final class HandOver {
    private HandOver() {}

    /** Starts the program, waits for its end, and returns its exit code (128 + n where signal n ended it). */
    static int to(String java, String[] args) throws IOException, InterruptedException {
        Signals signals = Signals.catchAll();
        Process child = new ProcessBuilder(command(java, args)).inheritIO().start();
        signals.sendTo(child);
        return child.waitFor();
    }

    private static List<String> command(String java, String[] args) {
        List<String> command = new ArrayList<String>();
        command.add(java);
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        // A library of the cluster uses memory in a way of which every JDK 25 warns; all JDKs that we hand over to know
        // this.
        command.add("--sun-misc-unsafe-memory-access=allow");
        command.add("-D" + ParentWatch.LAUNCHER_PID + "=" + ownPid());
        String classPath = System.getProperty("java.class.path");
        if (classPath.endsWith(".jar") && !classPath.contains(File.pathSeparator)) {
            // Only -jar reads the manifest, which opens what the program needs.
            command.addAll(Arrays.asList("-jar", classPath));
        } else {
            command.addAll(Arrays.asList("-cp", classPath, Launcher.class.getName()));
        }
        command.addAll(Arrays.asList(args));
        return command;
    }

    private static String ownPid() {
        // "pid@host" in every Java on every system we run on; ProcessHandle is younger than Java 8.
        String name = ManagementFactory.getRuntimeMXBean().getName();
        return name.substring(0, name.indexOf('@'));
    }
}
