package dev.orrery.cli.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.cli.client.EventStream.ServerEvent;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EventStreamTest {

    private static List<ServerEvent> read(String text) throws IOException {
        var events = new ArrayList<ServerEvent>();
        try (var stream = new EventStream(new ByteArrayInputStream(text.getBytes(UTF_8)))) {
            for (var event = stream.next(); event.isPresent(); event = stream.next()) {
                events.add(event.get());
            }
        }
        return events;
    }

    @Test
    void anEventHasATypeAnIdAndData() throws IOException {
        assertThat(read("id: 1f3-1\nevent: task\ndata: {\"a\":1}\n\n"))
                .containsExactly(new ServerEvent(Optional.of("1f3-1"), "task", "{\"a\":1}"));
    }

    @Test
    void withoutATypeItIsAMessageAndALeadingBlankIsNoPartOfTheData() throws IOException {
        assertThat(read("data:x\n\ndata:  y\n\n"))
                .containsExactly(
                        new ServerEvent(Optional.empty(), "message", "x"),
                        new ServerEvent(Optional.empty(), "message", " y"));
    }

    @Test
    void severalLinesOfDataAreJoinedAndCommentsIgnored() throws IOException {
        assertThat(read(": alive\r\ndata: a\r\ndata: b\r\n: still\r\nretry: 10\r\n\r\n"))
                .containsExactly(new ServerEvent(Optional.empty(), "message", "a\nb"));
    }

    @Test
    void anEventThatWasCutOffDoesNotCount() throws IOException {
        assertThat(read("data: a\n\ndata: b\n")).hasSize(1);
        assertThat(read("event: task\n\ndata: a\n\n"))
                .containsExactly(new ServerEvent(Optional.empty(), "message", "a"));
    }

    @Test
    void charactersOfSeveralBytesAreReadWhole() throws IOException {
        assertThat(read("data: grüße 日本\n\n").getFirst().data()).isEqualTo("grüße 日本");
    }

    @Test
    void aLineWithoutEndIsRefused() {
        assertThatThrownBy(() -> read("data: " + "x".repeat(5 << 20))).isInstanceOf(IOException.class);
    }

    @Test
    void dataThatIsNoObjectCountsAsABrokenConnection() {
        assertThatThrownBy(() -> new ServerEvent(Optional.empty(), "task", "<html>").object())
                .isInstanceOf(IOException.class);
    }
}
