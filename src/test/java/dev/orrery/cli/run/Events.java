package dev.orrery.cli.run;

import dev.orrery.cli.client.EventStream.ServerEvent;
import dev.orrery.cli.client.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Optional;

/** Makes events of runs as a node tells them. */
final class Events {

    static final Instant START = Instant.parse("2026-01-31T02:00:00Z");

    private Events() {}

    /** A task came into this state so many milliseconds after the start. */
    static ServerEvent task(String id, String state, int attempt, long millis) {
        var data = "{\"taskId\":\"" + id + "\",\"state\":\"" + state + "\",\"attempt\":" + attempt
                + ",\"workerId\":null,\"at\":\"" + START.plusMillis(millis) + "\"}";
        return new ServerEvent(Optional.of("1-" + millis), "task", data);
    }

    static ServerEvent run(String state, long millis) {
        var data = "{\"state\":\"" + state + "\",\"at\":\"" + START.plusMillis(millis) + "\"}";
        return new ServerEvent(Optional.of("2-" + millis), "run", data);
    }

    /** As it goes over the wire. */
    static String wire(ServerEvent event) {
        return event.id().map(id -> "id: " + id + "\n").orElse("") + "event: " + event.type() + "\ndata: "
                + event.data() + "\n\n";
    }

    static JsonObject data(ServerEvent event) {
        try {
            return event.object();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    /** Takes a task event into the progress and tells the view, under its lock as the follower does. */
    static void tell(RunView view, RunProgress progress, ServerEvent event) {
        synchronized (view) {
            var change = progress.task(data(event));
            view.event(event, data(event), change);
        }
    }
}
