package dev.orrery.api;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Http tasks of a whole node and the servers that they meet. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HttpTasksIT {

    private final Vertx vertx = Vertx.vertx();
    private NodeUnderTest node;

    @BeforeAll
    void open(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
    }

    @AfterAll
    void close() {
        node.close();
        await(vertx.close());
    }

    @Test
    void anAnswerThatDripsIsCutAtTheTimeoutOfTheTask() {
        var server = serve(request -> {
            var response = request.response().setChunked(true);
            vertx.setPeriodic(10, timer -> {
                if (response.closed()) {
                    vertx.cancelTimer(timer);
                } else {
                    response.write(".");
                }
            });
        });

        var task = task("drip", url(server), ", timeout: 400ms, retry: {maxAttempts: 1}");

        assertThat(task.getString("state")).isEqualTo("timed_out");
    }

    @Test
    void noServerLeadsATaskToTheNodeThatRunsIt() {
        var server = redirecting("http://localhost:" + node.port() + "/api/v1/cluster");

        var task = task("led-home", url(server));

        assertThat(task.getString("state")).isEqualTo("failed");
        assertThat(task.getInteger("attempt"))
                .as("another try would not go better")
                .isEqualTo(1);
        assertThat(task.getString("error")).contains("the node's own API, to which no redirect may lead");
    }

    @Test
    void noServerLeadsATaskToTheCredentialsOfTheMachine() {
        var server = redirecting("http://169.254.169.254/latest/meta-data/");

        assertThat(task("led-away", url(server)).getString("error"))
                .startsWith("http tasks may not call 169.254.169.254:80")
                .contains("tasks.http-allow");
    }

    @Test
    void aTaskMayAskItsOwnNode() {
        assertThat(task("asks", "${ORRERY_API}/runs/${ORRERY_RUN_ID}").getString("state"))
                .isEqualTo("succeeded");
    }

    private JsonObject task(String name, String url) {
        return task(name, url, "");
    }

    private JsonObject task(String name, String url, String more) {
        var dag = node.publish(name, "tasks: [{id: a, type: http, url: '" + url + "'" + more + "}]");
        var run = node.trigger(dag);
        node.ended(run);
        return node.client
                .get(NodeUnderTest.RUNS + "/" + run + "/tasks/a")
                .send()
                .json();
    }

    private HttpServer redirecting(String location) {
        return serve(request -> request.response()
                .setStatusCode(302)
                .putHeader("Location", location)
                .end());
    }

    private HttpServer serve(Handler<HttpServerRequest> handler) {
        return await(vertx.createHttpServer().requestHandler(handler).listen(0, "127.0.0.1"));
    }

    private static String url(HttpServer server) {
        return "http://127.0.0.1:" + server.actualPort() + "/";
    }
}
