package dev.orrery.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.core.joran.spi.JoranException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class LogSetupTest {

    @Test
    void theExampleOfAFileKeepsLibrariesAsQuietAsTheNodeDoes() throws JoranException {
        var context = new LoggerContext();
        var reader = new JoranConfigurator();
        reader.setContext(context);

        reader.doConfigure(Path.of("conf/logback.xml").toFile());

        try {
            assertThat(LogSetup.LIBRARIES)
                    .allSatisfy(
                            (name, level) -> assertThat(context.getLogger(name).getLevel())
                                    .as(name)
                                    .isEqualTo(level));
            assertThat(context.getLogger("dev.orrery").getEffectiveLevel()).isEqualTo(Level.INFO);
            assertThat(context.getLogger(ExitTeller.REPORTS).iteratorForAppenders())
                    .toIterable()
                    .hasExactlyElementsOfTypes(ExitTeller.class);
        } finally {
            context.stop();
        }
    }
}
