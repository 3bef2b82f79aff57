package dev.orrery.cli.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServerAddressTest {

    @Test
    void aSchemeMayBeLeftOutAndSlashesAtTheEndDoNotMatter() {
        assertThat(ServerAddress.parse("127.0.0.1:8080")).hasToString("http://127.0.0.1:8080");
        assertThat(ServerAddress.parse("https://orrery.example//")).hasToString("https://orrery.example");
        assertThat(ServerAddress.parse("http://[::1]:8080/").resolve("/api")).hasToString("http://[::1]:8080/api");
        assertThat(ServerAddress.parse("http://proxy/orrery/").resolve("/api")).hasToString("http://proxy/orrery/api");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "ftp://host",
                "http://",
                "http://user:hunter2@host",
                "http://host?x=hunter2",
                "http://a b",
                "http://host#f"
            })
    void whatIsNoAddressOfANodeIsRefusedAndNotRepeated(String text) {
        assertThatThrownBy(() -> ServerAddress.parse(text))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.USAGE))
                .hasMessageNotContaining("hunter2");
    }
}
