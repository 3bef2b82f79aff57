package dev.orrery.config;

/**
 * A setting on the command line.
 *
 * @param name the flag as the user wrote it, such as {@code --http-port} or {@code --set}
 * @param key the setting, such as {@code http.port}
 * @param value what it is set to
 */
public record ConfigFlag(String name, String key, String value) {

    /** Of {@code --set key=value}; without {@code =} nothing is set, which the loader refuses. */
    public static ConfigFlag set(String assignment) {
        var at = assignment.indexOf('=');
        return at < 0
                ? new ConfigFlag("--set", "", assignment)
                : new ConfigFlag("--set", assignment.substring(0, at).strip(), assignment.substring(at + 1));
    }
}
