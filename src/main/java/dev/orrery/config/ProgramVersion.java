package dev.orrery.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version that the build wrote into the jar. */
public final class ProgramVersion {

    private ProgramVersion() {}

    public static String text() {
        try (var in = ProgramVersion.class.getResourceAsStream("/dev/orrery/version.properties")) {
            var properties = new Properties();
            if (in != null) {
                properties.load(in);
            }
            return properties.getProperty("version", "unknown");
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }
}
