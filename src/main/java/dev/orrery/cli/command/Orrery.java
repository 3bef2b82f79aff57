package dev.orrery.cli.command;

/** Runs one command line. */
public final class Orrery {

    private Orrery() {}

    /** Executes the arguments, a standalone node if there are none, and returns the exit code. */
    public static int run(Context context, String... arguments) {
        var asked = arguments.length == 0 ? new String[] {"node"} : arguments;
        var code = CommandTree.forArguments(context, asked).execute(asked);
        context.terminal().out().flush();
        context.terminal().err().flush();
        return code;
    }
}
