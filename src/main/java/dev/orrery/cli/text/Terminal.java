package dev.orrery.cli.text;

import java.io.BufferedOutputStream;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where the program writes: answers to {@code out}, everything else to {@code err}.
 *
 * @param interactive whether {@code out} is a terminal, on which lines can be drawn anew
 * @param columns how wide that terminal is; 0 where there is none
 */
public record Terminal(PrintStream out, PrintStream err, Style style, boolean interactive, Columns columns) {

    /** Asks for the width each time, as windows change. */
    @FunctionalInterface
    public interface Columns {
        int now();
    }

    /** The one this process was started on. */
    public static Terminal ofThisProcess(Map<String, String> environment) {
        var interactive = isTerminal(1);
        var columns = interactive ? new WindowSize(environment) : (Columns) () -> 0;
        return new Terminal(
                utf8(FileDescriptor.out),
                utf8(FileDescriptor.err),
                Style.of(interactive, environment),
                interactive && !environment.getOrDefault("TERM", "").equals("dumb"),
                columns);
    }

    /** What users wrote is passed on in the encoding it came in, whatever the locale says. */
    private static PrintStream utf8(FileDescriptor descriptor) {
        return new PrintStream(
                new BufferedOutputStream(new FileOutputStream(descriptor), 8192), true, StandardCharsets.UTF_8);
    }

    private static boolean isTerminal(int descriptor) {
        try {
            var target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
                    .toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException noProc) {
            return Optional.ofNullable(System.console())
                    .filter(Console::isTerminal)
                    .isPresent();
        }
    }

    public void line(String text) {
        out.println(text);
    }

    public void lines(List<String> lines) {
        lines.forEach(out::println);
    }

    public void table(Table table) {
        lines(table.lines(columns.now(), style));
    }

    /** A remark that is no part of the answer. */
    public void remark(String text) {
        err.println(text);
    }
}
