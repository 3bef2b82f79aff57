package dev.orrery.cli.command;

import dev.orrery.cli.run.Interrupts;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.Terminal;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;

/**
 * What a command finds around it.
 *
 * @param directory relative file names start here
 * @param program how this program is called, for commands that are shown to be copied
 */
public record Context(
        Terminal terminal,
        Map<String, String> environment,
        InputStream in,
        Path directory,
        Clock clock,
        Interrupts interrupts,
        NodeStarter nodes,
        String program) {

    public Context {
        environment = Map.copyOf(environment);
    }

    /** What this process finds; {@code cleanUp} removes what it has made, where a signal ends it after last words. */
    public static Context ofThisProcess(Runnable cleanUp) {
        var environment = System.getenv();
        return new Context(
                Terminal.ofThisProcess(environment),
                environment,
                System.in,
                Path.of(""),
                Clock.systemUTC(),
                Interrupts.ofThisProcess(cleanUp),
                (config, console) -> NodeInThisProcess.start(config, console),
                howCalled());
    }

    private static String howCalled() {
        var jar = System.getProperty("java.class.path", "");
        var given = System.getProperty("orrery.program");
        if (given != null) {
            return ShellWord.of(given);
        }
        return jar.endsWith(".jar") && !jar.contains(":") ? "java -jar " + ShellWord.of(jar) : "orrery";
    }
}
