package dev.orrery.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ShellWordTest {

    @Test
    void whatAShellTakesAsOneWordStaysAsItIs() {
        assertThat(ShellWord.of("nightly-report_2.x")).isEqualTo("nightly-report_2.x");
        assertThat(ShellWord.of("http://127.0.0.1:8080")).isEqualTo("http://127.0.0.1:8080");
    }

    @Test
    void theRestIsQuotedAsAWhole() {
        assertThat(ShellWord.of("/my files/orrery")).isEqualTo("'/my files/orrery'");
        assertThat(ShellWord.of("it's; rm $HOME")).isEqualTo("'it'\\''s; rm $HOME'");
        assertThat(ShellWord.of("")).isEqualTo("''");
    }

    @Test
    void controlCharactersDoNotReachATerminal() {
        assertThat(ShellWord.of("a\u001b[2Jb\nc")).isEqualTo("'ab c'");
    }
}
