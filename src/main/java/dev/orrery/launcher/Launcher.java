package dev.orrery.launcher;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;

/** Main class of the jar: runs the program here, or under a Java that is new enough. */
public final class Launcher {
    static final int JAVA_NEEDED = 25;
    /** EX_CONFIG of sysexits.h: the machine lacks something that only its owner can install. */
    static final int EXIT_NO_JAVA = 78;

    private static final String PROGRAM = "dev.orrery.cli.Main";

    private Launcher() {}

    /** Runs the program with these arguments; under an older Java this process ends with the program's exit code. */
    public static void main(String[] args) throws Throwable {
        if (JavaHomes.feature(System.getProperty("java.specification.version")) >= JAVA_NEEDED) {
            ParentWatch.startIfLaunched();
            runHere(args);
        } else {
            System.exit(runElsewhere(JavaHomes.ofThisMachine(), args, System.err));
        }
    }

    private static void runHere(String[] args) throws Throwable {
        try {
            Class.forName(PROGRAM).getMethod("main", String[].class).invoke(null, (Object) args);
        } catch (InvocationTargetException failure) {
            throw failure.getCause();
        }
    }

    static int runElsewhere(JavaHomes homes, String[] args, PrintStream err) throws IOException, InterruptedException {
        if (ParentWatch.isLaunched()) {
            // Or else a wrong release file would have us start ourselves for ever.
            err.println("orrery: " + System.getProperty("java.home") + " says that it is Java " + JAVA_NEEDED
                    + " or newer, but is Java " + System.getProperty("java.version") + ". Set JAVA_HOME to a JDK "
                    + JAVA_NEEDED + ".");
            return EXIT_NO_JAVA;
        }
        String java = homes.newEnough();
        if (java == null) {
            err.println("orrery: needs Java " + JAVA_NEEDED + " or newer; this is Java "
                    + System.getProperty("java.version") + " (" + System.getProperty("java.home")
                    + ") and no newer one is in " + homes.searched() + ". Install a JDK " + JAVA_NEEDED
                    + ", or set JAVA_HOME to one.");
            return EXIT_NO_JAVA;
        }
        return HandOver.to(java, args);
    }
}
