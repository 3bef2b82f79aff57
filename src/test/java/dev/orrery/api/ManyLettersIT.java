package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Reply;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many dead letters that are sent back with other inputs, and what is told of those that could not be. */
class ManyLettersIT {

    private static final String LETTERS = "/api/v1/dead-letters";
    private static final String TASKS = "/api/v1/tasks";

    @TempDir
    private static Path folder;

    private static NodeUnderTest node;
    private static ApiClient client;

    @BeforeAll
    static void start() {
        node = new NodeUnderTest(folder);
        client = node.client;
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void eachIsGivenWhatItWasGivenWithTheChanges() {
        for (var order = 1; order <= 3; order++) {
            submitted(
                            "moved",
                            "grep -q '\"eu\"' $ORRERY_PARAMS && grep -q order $ORRERY_PARAMS && ! grep -q old $ORRERY_PARAMS")
                    .with(new JsonObject()
                            .put("order", order)
                            .put("old", true)
                            .put("place", new JsonObject().put("region", "us").put("rack", 7)));
        }
        submitted("moved", "exit 1").with("a text");
        until("all have failed", () -> list("name=moved").size() == 4);
        var patch = new JsonObject().put("old", (Object) null).put("place", new JsonObject().put("region", "eu"));

        var ended = ended(asked(new JsonObject()
                .put("filter", new JsonObject().put("name", "moved"))
                .put("inputPatch", patch)));

        assertThat(ended.getString("inputEdit")).isEqualTo("patched");
        assertThat(ended.getInteger("expected")).isEqualTo(4);
        assertThat(ended.getInteger("redriven")).isEqualTo(3);
        assertThat(ended.getInteger("refused")).isEqualTo(1);
        var refusal = ended.getJsonArray("refusals").getJsonObject(0);
        assertThat(refusal.getString("reason")).isEqualTo("bad_patch");
        assertThat(refusal.getInteger("count")).isEqualTo(1);
        assertThat(shown(refusal.getString("sample")).getString("input")).isEqualTo("a text");
        until("they succeed", () -> completed("moved") == 3);
        assertThat(list("name=moved")).hasSize(1);
        assertThat(list("name=moved&state=redriven"))
                .extracting(letter -> shown(((JsonObject) letter).getString("id"))
                        .getJsonObject("redriveInput")
                        .encode())
                .containsExactlyInAnyOrder(
                        "{\"order\":1,\"place\":{\"region\":\"eu\",\"rack\":7}}",
                        "{\"order\":2,\"place\":{\"region\":\"eu\",\"rack\":7}}",
                        "{\"order\":3,\"place\":{\"region\":\"eu\",\"rack\":7}}");
    }

    @Test
    void allTasksOfRunsAreGivenTheSameInputAndTheirRunsGoOn() {
        var dag = node.publish("regions", """
                tasks:
                  - {id: load, type: shell, command: "grep -q mended $ORRERY_PARAMS", retry: {maxAttempts: 1}}
                  - {id: after, type: handler, handler: noop, dependencies: [load]}
                """);
        var runs = List.of(node.trigger(dag), node.trigger(dag));
        runs.forEach(run -> assertThat(node.ended(run).getString("state")).isEqualTo("failed"));

        var ended = ended(asked(new JsonObject()
                .put("filter", new JsonObject().put("dag", "regions"))
                .put("input", new JsonObject().put("state", "mended"))));

        assertThat(ended.getString("inputEdit")).isEqualTo("replaced");
        assertThat(ended.getInteger("redriven")).isEqualTo(2);
        runs.forEach(run -> assertThat(node.ended(run).getString("state")).isEqualTo("succeeded"));
    }

    @Test
    void oneIsSentBackWithChangesOfItsInput() {
        submitted("patched", "grep -q 8 $ORRERY_PARAMS")
                .with(new JsonObject().put("order", 7).put("by", "ada"));
        until("it has failed", () -> !list("name=patched").isEmpty());
        var path = LETTERS + "/" + list("name=patched").getJsonObject(0).getString("id") + "/redrive";
        var patch = new JsonObject().put("order", 8);

        var both = client.post(path)
                .json(new JsonObject().put("input", patch).put("inputPatch", patch))
                .send();
        assertThat(both.code()).isEqualTo("VALIDATION_ERROR");
        assertThat(both.problem().getString("code")).isEqualTo("CONFLICTING_FIELDS");
        var reply = client.post(path)
                .json(new JsonObject().put("inputPatch", patch))
                .send();

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        assertThat(reply.json().getJsonObject("redriveInput").encode()).isEqualTo("{\"order\":8,\"by\":\"ada\"}");
        until("it succeeds", () -> completed("patched") == 1);
    }

    @Test
    void aRequestTellsWhatWasAskedForByWhomAndWhyLettersWereRefused() {
        submitted("refused", "exit 1").with(1);
        submitted("refused", "exit 1").with(2);
        until("both have failed", () -> list("name=refused").size() == 2);
        var discarded = list("name=refused").getJsonObject(0).getString("id");
        assertThat(client.post(LETTERS + "/" + discarded + "/discard")
                        .header("Orrery-Actor", "bob")
                        .json(new JsonObject().put("reason", "known"))
                        .send()
                        .json()
                        .getString("resolvedBy"))
                .isEqualTo("bob");
        var nobody = "01980f6e-7000-7000-8b2d-5f3100000000";
        var sent = list("name=refused").getJsonObject(0).getString("id");

        var named = ended(client.post(LETTERS + "/redrive")
                .header("Orrery-Actor", "ada")
                .json(new JsonObject().put("ids", List.of(discarded, sent, nobody)))
                .send());

        assertThat(named.getInteger("redriven")).isEqualTo(1);
        assertThat(named.getInteger("refused")).isEqualTo(2);
        assertThat(named.getJsonArray("refusals"))
                .containsExactly(refusal("discarded", discarded), refusal("unknown", nobody));
        assertThat(named.getInteger("ids")).isEqualTo(3);
        assertThat(named.getValue("filter")).isNull();
        assertThat(named.getString("by")).isEqualTo("ada");
        assertThat(shown(sent).getString("resolvedBy")).isEqualTo("ada");
        var searched = ended(asked(new JsonObject()
                .put("filter", new JsonObject().put("name", "nothing like it").put("outcome", "failed"))
                .put("by", "eve")));
        assertThat(searched.getJsonObject("filter").getString("name")).isEqualTo("nothing like it");
        assertThat(searched.getJsonObject("filter").getString("outcome")).isEqualTo("failed");
        assertThat(searched.getJsonObject("filter").containsKey("queue")).isFalse();
        assertThat(searched.getInteger("expected")).isZero();
        assertThat(searched.getString("by")).isEqualTo("eve");
    }

    /** Whatever it is that goes wrong with one of them, it neither ends the request nor holds up others. */
    @Test
    void oneThatCannotBeSentBackKeepsNobodyElseBack() {
        for (var n = 0; n < 3; n++) {
            submitted("cursed", "exit 1").with(n);
        }
        until("all have failed", () -> list("name=cursed").size() == 3);
        var cursed = list("name=cursed").getJsonObject(1);
        node.execute("""
                CREATE FUNCTION orrery.curse() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN RAISE EXCEPTION 'it is cursed'; END$$;
                CREATE TRIGGER curse BEFORE UPDATE ON orrery.dead_letters FOR EACH ROW
                WHEN (OLD.id = '%s' AND NEW.state = 'redriven') EXECUTE FUNCTION orrery.curse()
                """.formatted(cursed.getString("id")));

        var ended = ended(asked(new JsonObject().put("filter", new JsonObject().put("name", "cursed"))));

        assertThat(ended.getInteger("redriven")).isEqualTo(2);
        assertThat(ended.getJsonArray("refusals")).containsExactly(refusal("error", cursed.getString("id")));
        assertThat(shown(cursed.getString("id")).getString("state")).isEqualTo("open");
    }

    @Test
    void whatIsTooLargeForManyIsRefused() {
        var large = new JsonObject().put("x", "x".repeat(64 << 10));
        var many = new JsonObject().put("filter", new JsonObject().put("name", "none"));

        var input = client.post(LETTERS + "/redrive")
                .json(many.copy().put("input", large))
                .send();
        var patch = client.post(LETTERS + "/redrive")
                .json(many.copy().put("inputPatch", large))
                .send();
        var text = client.post(LETTERS + "/redrive")
                .json(many.copy().put("inputPatch", "eu"))
                .send();
        var nobody = client.post(LETTERS + "/redrive")
                .json(new JsonObject().put("ids", List.of()))
                .send();

        assertThat(input.problem().getString("path")).isEqualTo("input");
        assertThat(patch.problem().getString("path")).isEqualTo("inputPatch");
        assertThat(patch.body().toString()).contains("at most 64 KiB");
        assertThat(text.code()).isEqualTo("VALIDATION_ERROR");
        assertThat(nobody.problem().getString("path")).isEqualTo("ids");
    }

    private static JsonObject refusal(String reason, String sample) {
        return new JsonObject().put("reason", reason).put("count", 1).put("sample", sample);
    }

    private static Reply asked(JsonObject body) {
        return client.post(LETTERS + "/redrive").json(body).send();
    }

    private static JsonObject ended(Reply asked) {
        assertThat(asked.status()).as(asked.body().toString()).isEqualTo(202);
        var redrive = asked.header("Location");
        until(
                "it is done",
                () -> client.get(redrive).send().json().getString("state").equals("ended"));
        return client.get(redrive).send().json();
    }

    private static JsonObject shown(String letter) {
        return client.get(LETTERS + "/" + letter).send().json();
    }

    private static JsonArray list(String query) {
        return client.get(LETTERS + "?limit=500&" + query).send().json().getJsonArray("items");
    }

    private static int completed(String name) {
        return node.rows(
                "task_instances i JOIN orrery.task_states s ON s.id = i.id",
                "i.name = '" + name + "' AND s.state = 'succeeded'");
    }

    private interface Draft {
        void with(Object input);
    }

    /** A task that is not tried again. */
    private static Draft submitted(String name, String command) {
        return input -> {
            var reply = client.post(TASKS)
                    .json(new JsonObject()
                            .put("name", name)
                            .put("type", "shell")
                            .put("command", command)
                            .put("maxRetries", 0)
                            .put("input", input))
                    .send();
            assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        };
    }
}
