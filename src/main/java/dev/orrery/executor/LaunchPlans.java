package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.dag.TaskType.Python;
import dev.orrery.domain.dag.TaskType.PythonSource;
import dev.orrery.domain.dag.TaskType.Shell;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Makes the command of a shell or python task. Throws {@link CannotStart} where something it names is missing. */
final class LaunchPlans {

    private static final String SHELL = "/bin/sh";

    /** The kernel takes 128 KiB for one argument; a longer command goes into a file. */
    private static final int ARGUMENT_LIMIT = 120 << 10;

    /** Java encodes arguments by the locale of the node; what ASCII cannot say is lost unless that is UTF-8. */
    private static final boolean ARGUMENTS_ARE_UTF8 =
            UTF_8.equals(Charset.forName(Objects.requireNonNullElse(System.getProperty("sun.jnu.encoding"), "UTF-8")));

    private final TaskPaths paths;
    private final boolean argumentsAreUtf8;

    LaunchPlans(TaskPaths paths) {
        this(paths, ARGUMENTS_ARE_UTF8);
    }

    LaunchPlans(TaskPaths paths, boolean argumentsAreUtf8) {
        this.paths = paths;
        this.argumentsAreUtf8 = argumentsAreUtf8;
    }

    Launch shell(Shell shell, Map<String, String> environment, AttemptFolder folder) throws IOException {
        refuseNul("command", shell.command());
        var workingFolder = paths.workingFolder(shell.workingDirectory(), folder.home());
        var command = List.of(SHELL, "-c", shell.command());
        if (shell.command().length() > ARGUMENT_LIMIT / 3 && utf8Length(shell.command()) > ARGUMENT_LIMIT) {
            command = List.of(SHELL, write(folder.script("command.sh"), shell.command()));
        }
        return speakable(new Launch(command, environment, workingFolder), folder);
    }

    Launch python(Python python, Map<String, String> environment, AttemptFolder folder) throws IOException {
        python.args().forEach(argument -> refuseNul("args", argument));
        var workingFolder = paths.workingFolder(python.workingDirectory(), folder.home());
        var interpreter = python.virtualEnv()
                .map(paths::virtualEnvPython)
                .orElseGet(() -> TaskPaths.python3(environment.getOrDefault("PATH", TaskEnvironment.PATH)));
        var program = switch (python.source()) {
            case PythonSource.Script(var path) -> paths.script(path).toString();
            case PythonSource.Code(var text) -> write(folder.script("task.py"), text);
        };
        // Unbuffered (-u), so that its lines can be followed as they come.
        var command = new ArrayList<>(List.of(interpreter.toString(), "-u", program));
        command.addAll(python.args());
        return speakable(
                new Launch(command, environment, workingFolder, List.of(interpreter, Path.of(program))), folder);
    }

    /** The same launch by a script of its own where Java could not hand over its characters. */
    private Launch speakable(Launch launch, AttemptFolder folder) throws IOException {
        var foreign = launch.environment().entrySet().stream()
                .filter(variable -> !isSpeakable(variable.getValue()))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        if (foreign.isEmpty() && launch.command().stream().allMatch(this::isSpeakable)) {
            return launch;
        }
        var exports = foreign.entrySet().stream()
                .map(variable -> "export " + variable.getKey() + "=" + quoted(variable.getValue()));
        var exec = "exec " + launch.command().stream().map(LaunchPlans::quoted).collect(Collectors.joining(" "));
        var script = Stream.concat(exports, Stream.of(exec)).collect(Collectors.joining("\n", "", "\n"));
        return new Launch(
                List.of(SHELL, write(folder.script("launch.sh"), script)),
                launch.environment(),
                launch.workingFolder(),
                launch.needed());
    }

    private boolean isSpeakable(String text) {
        return argumentsAreUtf8 || US_ASCII.newEncoder().canEncode(text);
    }

    static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }

    private static String write(Path file, String text) throws IOException {
        return Files.write(file, text.getBytes(UTF_8)).toString();
    }

    private static int utf8Length(String text) {
        return text.getBytes(UTF_8).length;
    }

    private static void refuseNul(String field, String text) {
        if (text.indexOf('\0') >= 0) {
            throw new CannotStart(field + " has a NUL character, which no process can be given");
        }
    }
}
