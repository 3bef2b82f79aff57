package dev.orrery.api;

import static dev.orrery.api.NodeUnderTest.RUNS;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that are watched while they happen: their events and logs, as streams from a whole node. */
class FollowingApiIT {

    private static final String ONE = "tasks: [{id: a, type: handler, handler: noop}]";

    private static NodeUnderTest node;
    private static ApiClient client;

    @BeforeAll
    static void start(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
        client = node.client;
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void theEventsOfARunTellItsWholeStory() {
        var run = node.trigger(
                node.publish(
                        "story",
                        "tasks: [{id: a, type: handler, handler: sleep, input: {ms: 300}}, {id: b, type: handler, handler: noop, dependencies: [a]}]"));

        var events = client.events(RUNS + "/" + run + "/events").rest();

        for (var event : events) {
            var schema = event.name().equals("task") ? "TaskEvent" : "RunEvent";
            node.check.validate(event.name(), schema, event.json());
        }
        assertThat(events.getLast().json().getString("state")).isEqualTo("succeeded");
        assertThat(lastStates(events)).containsEntry("a", "succeeded").containsEntry("b", "succeeded");
        var after = client.get(RUNS + "/" + run + "/events")
                .header("Last-Event-ID", events.getLast().id())
                .send();
        assertThat(after.status()).isEqualTo(204);
    }

    @Test
    void aWatcherGoesOnWhereItWas() {
        var run = node.trigger(
                node.publish(
                        "resumed",
                        "tasks: [{id: a, type: handler, handler: sleep, input: {ms: 1500}}, {id: b, type: handler, handler: noop, dependencies: [a]}]"));
        node.untilTask(run, "a", "running");
        var uri = RUNS + "/" + run + "/events";
        var first = client.events(uri);
        var seen = new ArrayList<EventReader.Event>();
        do {
            seen.add(first.next());
        } while (!seen.getLast().name().equals("run"));
        first.close();

        var rest = client.events(
                        uri,
                        headers -> headers.add("Last-Event-ID", seen.getLast().id()))
                .rest();

        assertThat(rest).isNotEmpty().noneMatch(event -> event.name().equals("reset"));
        assertThat(rest)
                .noneMatch(event -> event.name().equals("task")
                        && event.json().getString("taskId").equals("a")
                        && event.json().getString("state").equals("running"));
        assertThat(lastStates(rest)).containsEntry("a", "succeeded").containsEntry("b", "succeeded");
        assertThat(rest.getLast().json().getString("state")).isEqualTo("succeeded");
    }

    @Test
    void aPlaceThatNobodyKnowsBeginsAnew() {
        var run = node.trigger(node.publish("reset", ONE));
        node.ended(run);

        var events = client.events(
                        RUNS + "/" + run + "/events", headers -> headers.add("Last-Event-ID", "from-elsewhere"))
                .rest();

        assertThat(events.getFirst().name()).isEqualTo("reset");
        assertThat(events.getLast().json().getString("state")).isEqualTo("succeeded");
    }

    private static Map<String, String> lastStates(List<EventReader.Event> events) {
        var states = new HashMap<String, String>();
        events.stream()
                .filter(event -> event.name().equals("task"))
                .forEach(event -> states.put(
                        event.json().getString("taskId"), event.json().getString("state")));
        return states;
    }

    @Test
    void manyWatchAtOnce() {
        var run = node.trigger(
                node.publish("watched", "tasks: [{id: a, type: handler, handler: sleep, input: {ms: 1000}}]"));

        var watchers = IntStream.range(0, 50)
                .mapToObj(_ -> client.events(RUNS + "/" + run + "/events"))
                .toList();

        for (var watcher : watchers) {
            assertThat(watcher.rest().getLast().json().getString("state")).isEqualTo("succeeded");
        }
    }

    @Test
    void aLogIsFollowedWhileItIsPrinted() {
        var run = node.trigger(node.publish("followed", """
                tasks:
                  - id: print
                    type: shell
                    command: |
                      echo first; sleep 1; printf 'zwei \\303\\274\\r\\n'; sleep 0.3; printf 'nul \\000 bad \\377 end'
                """));
        var uri = RUNS + "/" + run + "/tasks/print/logs";

        var events = client.events(uri + "?follow=true").rest();

        assertThat(events.getLast().name()).isEqualTo("end");
        var told = new StringBuilder();
        for (var event : events.subList(0, events.size() - 1)) {
            node.check.validate("log", "LogEvent", event.json());
            told.append(event.json().getString("text"));
        }
        assertThat(told.toString()).startsWith("first\nzwei ü").contains("end");
        assertThat(events.size()).as("it came in pieces").isGreaterThan(2);
        var whole = client.get(uri).send().body();
        assertThat(events.get(events.size() - 2).id()).isEqualTo(Integer.toString(whole.length()));
        var again = client.events(
                        uri + "?follow=true",
                        headers ->
                                headers.add("Last-Event-ID", events.getFirst().id()))
                .rest();
        assertThat(again.getFirst().json().getString("text")).startsWith("zwei");
        var nonsense =
                client.get(uri + "?follow=true").header("Last-Event-ID", "abc").send();
        assertThat(nonsense.code()).isEqualTo("BAD_REQUEST");
    }
}
