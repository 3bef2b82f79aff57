package dev.orrery.config;

/**
 * Which handlers a node has besides those that are built in.
 *
 * @param dir the folder of their jars; empty: there are none
 */
public record HandlersConfig(String dir) {

    public static final HandlersConfig DEFAULT = new HandlersConfig("");

    public HandlersConfig {
        Settings.HANDLERS_DIR.check(dir);
    }
}
