package dev.orrery.cli.command;

import java.util.Arrays;

/** Runs one command line. */
public final class Orrery {

    private Orrery() {}

    /** Executes the arguments, a standalone node if there are none, and returns the exit code. */
    public static int run(Context context, String... arguments) {
        var asked = meant(arguments);
        var code = CommandTree.forArguments(context, asked).execute(asked);
        context.terminal().out().flush();
        context.terminal().err().flush();
        return code;
    }

    private static String[] meant(String... arguments) {
        if (arguments.length == 0) {
            return new String[] {"node"};
        }
        if (arguments[0].equals("help")) {
            var withHelp = Arrays.copyOfRange(arguments, 1, arguments.length + 1);
            withHelp[arguments.length - 1] = "--help";
            return withHelp;
        }
        return arguments;
    }
}
