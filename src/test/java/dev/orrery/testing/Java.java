package dev.orrery.testing;

import java.util.ArrayList;
import java.util.List;

/**
 * How tests start Java processes. Most of them live for seconds, and half of what they take of the processors then is
 * compiling what they do not live to use: {@code orrery.jvm} has the options that spare it. What measures leaves it out.
 */
public final class Java {

    private Java() {}

    /** The program of this JVM. */
    public static String program() {
        return ProcessHandle.current().info().command().orElse("java");
    }

    /** The start of a command line that these arguments end. */
    public static List<String> command(String... arguments) {
        var command = new ArrayList<>(List.of(program()));
        command.addAll(options());
        command.addAll(List.of(arguments));
        return command;
    }

    private static List<String> options() {
        var options = System.getProperty("orrery.jvm", "");
        return options.isBlank() ? List.of() : List.of(options.split(" "));
    }
}
