package dev.orrery.launcher;

/** First class of the jar; compiled for Java 8, so that it loads on whatever Java there is. */
public final class Launcher {
    private Launcher() {}

    /** Hands over to the program. */
    public static void main(String[] args) throws Exception {
        Class.forName("dev.orrery.cli.Main").getMethod("main", String[].class).invoke(null, (Object) args);
    }
}
