package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Queues and limits from the shell. */
class QueueCommandsTest extends ServerCommandsTestBase {

    private static final String MAIL = "{\"name\":\"mail\",\"weight\":3,\"maxRunning\":20,"
            + "\"rate\":{\"limit\":100,\"per\":\"1m\"},\"paused\":true,\"running\":7}";
    private static final String FREE =
            "{\"name\":\"default\",\"weight\":1,\"maxRunning\":null,\"rate\":null,\"paused\":false,\"running\":null}";

    private String sent() {
        return node.requests().getLast().body();
    }

    @Test
    void theListShowsWhatIsSet() {
        node.on("GET /api/v1/queues?limit=100", 200, "{\"items\":[" + FREE + "," + MAIL + "],\"nextCursor\":\"mail\"}");

        assertThat(command.run("queue", "list")).as(command.err()).isZero();

        assertThat(command.out().lines().map(line -> line.replaceAll(" +", " ").strip()))
                .containsSequence(
                        "QUEUE STATUS WEIGHT MAX RUNNING RATE", "default open 1 - - -", "mail paused 3 20 7 100/1m");
        assertThat(command.out() + command.err()).contains("--cursor mail");
    }

    @Test
    void everyOptionIsAFieldOfTheQueue() {
        node.on("PUT /api/v1/queues/mail", 200, MAIL);

        assertThat(command.run("queue", "set", "mail", "--weight", "3", "--max-running", "20", "--rate", "100/1m"))
                .as(command.err())
                .isZero();

        assertThat(new io.vertx.core.json.JsonObject(sent()))
                .isEqualTo(new io.vertx.core.json.JsonObject(
                        "{\"maxRunning\":20,\"rate\":{\"limit\":100,\"per\":\"1m\"},\"weight\":3}"));
        assertThat(command.out()).contains("20 (7 now)").contains("100/1m");
        command.run("queue", "set", "mail");
        assertThat(sent()).isEqualTo("{\"weight\":1}");
    }

    @Test
    void whatWasSetIsForgotten() {
        node.on("DELETE /api/v1/queues/mail", 204, "");

        assertThat(command.run("queue", "set", "mail", "--reset"))
                .as(command.err())
                .isZero();

        assertThat(command.out()).contains("forgot what was set for mail");
        assertThat(command.run("queue", "set", "mail", "--reset", "--weight", "2"))
                .isNotZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"100", "100/", "/1m", "many/1m", "1/soon", "-1/1m", "99999999/1m"})
    void whatIsNoRateIsRefusedBeforeAnythingIsSent(String rate) {
        assertThat(command.run("queue", "set", "mail", "--rate", rate)).isNotZero();
        assertThat(command.err()).contains("is no rate").contains("100/1m");
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void aQueueIsPausedAndResumed() {
        node.on("POST /api/v1/queues/mail/pause", 200, MAIL);
        node.on("POST /api/v1/queues/mail/resume", 200, MAIL.replace("true", "false"));

        assertThat(command.run("queue", "pause", "mail")).as(command.err()).isZero();
        assertThat(command.out()).contains("paused mail");
        assertThat(command.run("queue", "resume", "mail")).as(command.err()).isZero();
        assertThat(command.out()).contains("resumed mail");
    }

    @Test
    void keysAreLimitedListedAndForgotten() {
        node.on("PUT /api/v1/limits/customer-*", 200, "{\"key\":\"customer-*\",\"maxRunning\":2,\"rate\":null}");
        node.on("DELETE /api/v1/limits/customer-*", 204, "");
        node.on(
                "GET /api/v1/limits?limit=100",
                200,
                "{\"items\":[{\"key\":\"customer-*\",\"maxRunning\":2,\"rate\":null}],\"nextCursor\":null}");

        assertThat(command.run("limit", "set", "customer-*", "--max-running", "2"))
                .as(command.err())
                .isZero();
        assertThat(sent()).isEqualTo("{\"maxRunning\":2}");
        assertThat(command.out()).contains("set customer-*: max running 2, rate -");
        assertThat(command.run("limit", "list")).as(command.err()).isZero();
        assertThat(command.out()).contains("KEY");
        assertThat(command.run("limit", "delete", "customer-*"))
                .as(command.err())
                .isZero();
        assertThat(command.out()).contains("forgot what was set for customer-*");
    }
}
