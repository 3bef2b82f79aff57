package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The environment of a task on its way past the programs that confine it. Those run with more rights than the task, or outside
 * of its sandbox, and variables such as {@code LD_PRELOAD} and {@code PATH} would make them run what a task brings along. So they
 * are given an environment without anything of the task's; its own comes through a pipe, and a shell that has lost all rights
 * already takes it up. Nothing of it stands in arguments, which every account may read.
 */
final class LateEnvironment {

    /**
     * The folder too is entered by the task itself: what its account may not pass through, it shall not be put into. Of a
     * variable that this shell keeps for itself the rest must not suffer.
     */
    private static final String TAKE = """
            cd -- "$1" || exit 126
            shift
            unset OLDPWD PWD
            eval "$(cat)"
            if [ -z "$ORRERY_TASK_ID" ]; then echo "the environment did not arrive" >&2; exit 126; fi
            exec "$@" </dev/null""";

    private LateEnvironment() {}

    /** What the programs that confine find: the watchdog, and whoever ends the attempt, know them by its folder. */
    static Map<String, String> before(AttemptFolder folder) {
        return Map.of(
                "PATH", TaskEnvironment.PATH, "ORRERY_OUTPUT", folder.output().toString());
    }

    /** What begins the command of a task whose environment comes late. */
    static List<String> command(Path workingFolder) {
        return List.of("/bin/sh", "-c", TAKE, "orrery-environment", workingFolder.toString());
    }

    /** What the pipe is to bring; names are those of variables. */
    static byte[] text(Map<String, String> environment) {
        var text = new StringBuilder();
        environment.forEach((name, value) -> text.append("command export ")
                .append(name)
                .append('=')
                .append(LaunchPlans.quoted(value))
                .append(" 2>/dev/null\n"));
        return text.toString().getBytes(UTF_8);
    }
}
