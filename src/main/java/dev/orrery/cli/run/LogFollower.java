package dev.orrery.cli.run;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.EventStream;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.Terminal;
import java.io.IOException;
import java.util.Optional;

/**
 * Prints what a task prints, as it prints it, until the task has come to its end: attempt after attempt where it is
 * retried. A lost connection is opened again where it stopped.
 */
public final class LogFollower {

    private final ApiClient client;
    private final Terminal terminal;
    private final boolean json;
    private final Patience patience = new Patience();

    private Optional<String> lastEventId = Optional.empty();

    public LogFollower(ApiClient client, Terminal terminal, boolean json) {
        this.client = client;
        this.terminal = terminal;
        this.json = json;
    }

    /** Follows one attempt if {@code attempt} names one, else all from the newest on. */
    public void follow(String runId, String taskId, int attempt) {
        follow("/api/v1/runs/" + runId + "/tasks/" + ApiClient.encode(taskId), attempt);
    }

    /** The same of the task at this path, whichever kind of task it is. */
    public void follow(String task, int attempt) {
        var current = attempt;
        while (true) {
            current = followAttempt(task, current);
            if (attempt > 0 || !isRetried(task)) {
                return;
            }
            // The next attempt may not have begun: the stream waits for it.
            current++;
            lastEventId = Optional.empty();
        }
    }

    private boolean isRetried(String taskPath) {
        var state = client.get(taskPath).object().textOrEmpty("state");
        return switch (state) {
            case "succeeded", "completed", "failed", "timed_out", "skipped", "cancelled" -> false;
            default -> true;
        };
    }

    /** Prints an attempt to its end; returns its number. */
    private int followAttempt(String taskPath, int attempt) {
        var path = taskPath + "/logs?follow=true" + (attempt > 0 ? "&attempt=" + attempt : "");
        while (true) {
            try (var events = client.events(path, lastEventId)) {
                var ended = printAll(events);
                if (ended.isPresent()) {
                    return ended.get();
                }
                patience.pauseAfter(new IOException("the stream ended"), client, this::sayLost);
            } catch (IOException lost) {
                patience.pauseAfter(lost, client, this::sayLost);
            } catch (CommandFailure refused) {
                if (refused.exitCode() != ExitCode.UNREACHABLE) {
                    throw refused;
                }
                patience.pauseAfter(new IOException(refused.getMessage(), refused), client, this::sayLost);
            }
        }
    }

    private void sayLost(String reason) {
        terminal.remark("connection lost (" + reason + "), trying again");
    }

    /** The number of the attempt that ended; absent if the stream broke off before. */
    private Optional<Integer> printAll(EventStream events) throws IOException {
        while (true) {
            var event = events.next();
            if (event.isEmpty()) {
                return Optional.empty();
            }
            var data = event.get().object();
            patience.heard();
            print(event.get().type(), data);
            lastEventId = event.get().id().or(() -> lastEventId);
            if (event.get().type().equals("end")) {
                return Optional.of(data.integer("attempt"));
            }
        }
    }

    private void print(String type, JsonObject data) {
        if (json) {
            terminal.line(data.withFirst("event", type).toString());
        } else if (type.equals("log")) {
            terminal.out().print(data.textOrEmpty("text"));
            terminal.out().flush();
        }
    }
}
