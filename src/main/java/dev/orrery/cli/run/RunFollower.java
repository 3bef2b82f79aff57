package dev.orrery.cli.run;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.EventStream;
import dev.orrery.cli.client.EventStream.ServerEvent;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.domain.dag.RunState;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;

/**
 * Follows a run to its end. A connection that breaks is opened again from the last event seen, until its
 * {@link Patience} is at an end.
 */
public final class RunFollower {

    private final ApiClient client;
    private final RunView view;
    private final Patience patience;

    private Optional<String> lastEventId = Optional.empty();

    public RunFollower(ApiClient client, RunView view) {
        this(client, view, new Patience());
    }

    RunFollower(ApiClient client, RunView view, Patience patience) {
        this.client = client;
        this.view = view;
        this.patience = patience;
    }

    /** How the run ended. Throws a command failure where there is no such run, or the server stays away. */
    public RunState follow(String runId) {
        var run = client.get("/api/v1/runs/" + runId).object();
        var progress = new RunProgress(
                run.text("dagName").orElse("run"),
                run.time("createdAt").orElseGet(Instant::now),
                run.objects("tasks").size());
        view.begin(progress);
        patience.heard();
        while (!progress.state().isTerminal()) {
            try (var events = client.events("/api/v1/runs/" + runId + "/events", lastEventId)) {
                readAll(events, progress);
                if (!progress.state().isTerminal()) {
                    patience.pauseAfter(new IOException("the stream ended"), client, view::connectionLost);
                }
            } catch (IOException lost) {
                patience.pauseAfter(lost, client, view::connectionLost);
            } catch (CommandFailure refused) {
                if (refused.exitCode() != ExitCode.UNREACHABLE) {
                    throw refused;
                }
                patience.pauseAfter(new IOException(refused.getMessage(), refused), client, view::connectionLost);
            }
        }
        return progress.state();
    }

    private void readAll(EventStream events, RunProgress progress) throws IOException {
        while (true) {
            var event = events.next();
            if (event.isEmpty()) {
                return;
            }
            take(event.get(), progress);
            patience.heard();
            lastEventId = event.get().id().or(() -> lastEventId);
        }
    }

    private void take(ServerEvent event, RunProgress progress) throws IOException {
        var data = event.object();
        synchronized (view) {
            var change = switch (event.type()) {
                case "task" -> progress.task(data);
                case "progress" -> {
                    progress.percent(data);
                    yield Optional.<RunProgress.Change>empty();
                }
                case "run" -> {
                    progress.run(data);
                    yield Optional.<RunProgress.Change>empty();
                }
                case "reset" -> {
                    progress.reset();
                    yield Optional.<RunProgress.Change>empty();
                }
                default -> Optional.<RunProgress.Change>empty();
            };
            view.event(event, data, change);
        }
    }
}
