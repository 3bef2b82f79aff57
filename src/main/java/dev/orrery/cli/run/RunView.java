package dev.orrery.cli.run;

import dev.orrery.cli.client.EventStream.ServerEvent;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.RunProgress.Change;
import java.util.Optional;

/** Shows a run while it goes on. Its methods may be called from several threads. */
public interface RunView extends AutoCloseable {

    /** The run to show from now on; {@code progress} is only read while a method of this view is called, or under its lock. */
    void begin(RunProgress progress);

    /** An event has been taken into the progress; {@code change} is present if it was about a task. */
    void event(ServerEvent event, JsonObject data, Optional<Change> change);

    /** The connection is gone and will be tried again. */
    void connectionLost(String reason);

    /** Leaves the terminal as it was found. May be called again. */
    void restore();

    @Override
    default void close() {
        restore();
    }
}
