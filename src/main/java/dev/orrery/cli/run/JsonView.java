package dev.orrery.cli.run;

import dev.orrery.cli.client.EventStream.ServerEvent;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.RunProgress.Change;
import dev.orrery.cli.text.Terminal;
import java.util.Optional;

/** For programs: each event as one line of JSON, its type in the field {@code event}. */
final class JsonView implements RunView {

    private final Terminal terminal;

    JsonView(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public void begin(RunProgress progress) {
        // The events tell everything.
    }

    @Override
    public void event(ServerEvent event, JsonObject data, Optional<Change> change) {
        terminal.line(data.withFirst("event", event.type()).toString());
    }

    @Override
    public void connectionLost(String reason) {
        terminal.remark("connection lost (" + reason + "), trying again");
    }

    @Override
    public void restore() {
        terminal.out().flush();
    }
}
