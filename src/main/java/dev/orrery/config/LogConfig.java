package dev.orrery.config;

/** @param level how much the node logs */
public record LogConfig(Level level) {

    /** From little to much. */
    public enum Level {
        ERROR,
        WARN,
        INFO,
        DEBUG,
        TRACE
    }

    public static final LogConfig DEFAULT = new LogConfig(Level.INFO);

    public LogConfig {
        Settings.LOG_LEVEL.check(level);
    }
}
