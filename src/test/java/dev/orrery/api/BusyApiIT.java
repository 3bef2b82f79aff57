package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is left for tasks while the API's connections to the database are all taken. */
class BusyApiIT {

    private static final String CONNECTIONS = "8";
    private static final String WAITING = "SELECT count(*) FROM pg_stat_activity"
            + " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%webhooks%'";

    private static final String DAG = """
            tasks:
              - { id: a, type: shell, command: echo one, queue: later }
              - { id: b, type: shell, command: echo two, queue: later, dependencies: [a] }
            """;

    @TempDir
    Path folder;

    @Test
    void claimedTasksAreReadRunAndLoggedWhileQuestionsHoldAllTheConnectionsOfTheApi() throws SQLException {
        try (var node = new NodeUnderTest(folder);
                var http = HttpClient.newHttpClient()) {
            var dag = node.publish("work", DAG);
            node.client.post("/api/v1/queues/later/pause").send();
            var run = node.trigger(dag);
            // After that no version is at hand.
            node.restart();
            var asked = new ArrayList<CompletableFuture<?>>();
            var question = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + node.port() + "/api/v1/webhooks"))
                    .build();

            try (var lock = node.connect();
                    var statement = lock.createStatement()) {
                lock.setAutoCommit(false);
                statement.execute("LOCK TABLE orrery.webhooks");
                until("the questions hold all", () -> {
                    asked.add(http.sendAsync(question, BodyHandlers.discarding()));
                    return node.value(WAITING).equals(CONNECTIONS);
                });
                node.execute("SELECT orrery.pause_queue('later', false)");

                // More questions wait, so that those whose time is over give way to no one else.
                until("the tasks have run", () -> {
                    asked.add(http.sendAsync(question, BodyHandlers.discarding()));
                    return node.value("SELECT state FROM orrery.dag_runs WHERE id = '" + run + "'")
                            .equals("succeeded");
                });
                assertThat(node.value("SELECT string_agg(convert_from(content, 'UTF8'), '' ORDER BY task_id)"
                                + " FROM orrery.task_logs"))
                        .isEqualTo("one\ntwo\n");
                assertThat(asked).hasSizeGreaterThan(Integer.parseInt(CONNECTIONS));
                lock.rollback();
            }
        }
    }
}
