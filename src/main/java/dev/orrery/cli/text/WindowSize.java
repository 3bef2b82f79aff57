package dev.orrery.cli.text;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** The width of the terminal's window: asked of {@code stty} at first and after each change of the window. */
final class WindowSize implements Terminal.Columns {

    private static final int USUAL = 80;
    private static final long ASK_LIMIT_MILLIS = 500;

    private final Map<String, String> environment;
    private final AtomicBoolean changed = new AtomicBoolean(true);
    private volatile int columns;

    WindowSize(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public int now() {
        if (columns == 0) {
            watch();
        }
        if (changed.getAndSet(false)) {
            columns = ask();
        }
        return columns;
    }

    private void watch() {
        // Where the system has no such signal the first width serves to the end.
        Signals.on("WINCH", () -> changed.set(true));
    }

    private int ask() {
        var given = number(environment.getOrDefault("COLUMNS", ""));
        if (given > 0) {
            return given;
        }
        try {
            var process = new ProcessBuilder("stty", "size")
                    .redirectInput(new File("/dev/tty"))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!process.waitFor(ASK_LIMIT_MILLIS, TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                return USUAL;
            }
            var answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
            var measured = number(answer.substring(answer.indexOf(' ') + 1));
            return measured > 0 ? measured : USUAL;
        } catch (IOException noTool) {
            return USUAL;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return USUAL;
        }
    }

    private static int number(String text) {
        return text.matches("[1-9][0-9]{0,3}") ? Integer.parseInt(text) : 0;
    }
}
