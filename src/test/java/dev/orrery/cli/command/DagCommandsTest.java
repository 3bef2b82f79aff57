package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.StubNode;
import dev.orrery.cli.client.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Publishing, showing, pausing and deleting DAGs. */
class DagCommandsTest extends ServerCommandsTestBase {

    @Test
    void dagsAreListedAsATable() {
        node.on("GET /api/v1/dags?limit=50&offset=0", 200, "[" + DAG + "]");

        assertThat(command.run("dag", "list")).isZero();
        assertThat(command.out()).isEqualTo("""
                        NAME     VERSION  TASKS  STATE   SCHEDULE  UPDATED  ID
                        nightly        3      2  active  -         5s ago   01980f6e-3c00-7000-8b2d-5f3100000000
                        """);
    }

    @Test
    void programsGetWhatTheNodeAnswered() {
        node.on("GET /api/v1/dags?limit=7&offset=2", 200, "[" + DAG + "]");

        assertThat(command.run("dag", "list", "--limit", "7", "--offset", "2", "--output", "json"))
                .isZero();
        assertThat(command.out()).isEqualTo("[" + DAG + "]\n");
    }

    @Test
    void anEmptyListSaysHowToFillIt() {
        node.on("GET /api/v1/dags?limit=50&offset=0", 200, "[]");
        node.on("GET /api/v1/runs?limit=20&offset=0", 200, "[]");

        assertThat(command.run("dag", "list")).isZero();
        assertThat(command.run("run", "list")).isZero();
        assertThat(command.out()).contains("orrery dag apply FILE").contains("orrery dag trigger NAME");
    }

    @Test
    void aDagThatIsNotThereIsNotFoundAndTheNearestNamed() {
        node.on("GET /api/v1/dags?name=nigthly", 200, "[]");

        assertThat(command.run("dag", "show", "nigthly")).isEqualTo(3);
        assertThat(command.err()).contains("no DAG is called 'nigthly'").contains("did you mean 'nightly'?");
    }

    @Test
    void aDagIsShownWithItsTasksAndNewestRuns() {
        node.on("GET /api/v1/dags/" + DAG_ID + "/definition", 200, """
                {"id":"x","name":"nightly","version":3,"yaml":"name: nightly\\n","createdAt":"2026-01-31T02:00:05Z","definition":{
                 "description":"Nightly","tasks":[{"id":"a","type":"shell","priority":5,"queue":"default","dependencies":[]},
                 {"id":"b","type":"http","priority":9,"queue":"fast","dependencies":["a"]}]}}""");
        node.on("GET /api/v1/dags/" + DAG_ID + "/runs?limit=5", 200, "[]");

        assertThat(command.run("dag", "show", "nightly")).isZero();
        assertThat(command.out()).isEqualTo("""
                        dag          nightly
                        id           01980f6e-3c00-7000-8b2d-5f3100000000
                        description  Nightly
                        version      3 of 3, published 5s ago
                        state        active

                        TASK  TYPE   PRIORITY  QUEUE    AFTER
                        a     shell         5  default
                        b     http          9  fast     a

                        no runs yet; start one with: orrery dag trigger nightly --follow
                        """);

        var yaml = new CommandRun().against(node);
        assertThat(yaml.run("dag", "show", "nightly", "--yaml")).isZero();
        assertThat(yaml.out()).isEqualTo("name: nightly\n");
    }

    @Test
    void aScheduledDagIsShownWithTheTimeOfItsNextRun() {
        node.on("GET /api/v1/dags/" + DAG_ID + "/definition", 200, """
                {"id":"x","name":"nightly","version":3,"yaml":"name: nightly\\n","createdAt":"2026-01-31T02:00:05Z","definition":{
                 "tasks":[{"id":"a","type":"shell","priority":5,"queue":"default","dependencies":[]}]}}""");
        node.on("GET /api/v1/dags/" + DAG_ID + "/runs?limit=5", 200, "[]");
        node.on(
                "GET /api/v1/dags?name=nightly",
                200,
                "["
                        + DAG.replace("\"schedule\":null", "\"schedule\":\"0 2 * * *\"")
                                .replace("\"nextRun\":null", "\"nextRun\":\"2026-02-01T02:00:00Z\"")
                        + "]");

        assertThat(command.run("dag", "show", "nightly")).isZero();
        assertThat(command.out()).contains("schedule     0 2 * * * (UTC)\nnext run     2026-02-01T02:00:00Z\n");
    }

    @Test
    void aDagIsDeletedByItsName() {
        node.on("DELETE /api/v1/dags/" + DAG_ID, 204, "");

        assertThat(command.run("dag", "delete", "nightly")).isZero();
        assertThat(command.out()).isEqualTo("deleted nightly\n");
    }

    @Test
    void aDagIsPausedAndResumedByItsName() {
        node.on("POST /api/v1/dags/" + DAG_ID + "/pause", 200, DAG.replace("true", "false"));
        node.on("POST /api/v1/dags/" + DAG_ID + "/resume", 200, DAG);

        assertThat(command.run("dag", "pause", "nightly")).isZero();
        assertThat(command.run("dag", "resume", "nightly")).isZero();
        assertThat(command.out()).isEqualTo("ok: paused nightly\nok: resumed nightly\n");
        assertThat(command.err())
                .contains("'orrery dag resume nightly' lets schedules and events start it again")
                .contains("'orrery dag trigger nightly --follow' starts it now");
    }

    @Test
    void programsGetTheDagThatWasPaused() {
        var paused = DAG.replace("true", "false");
        node.on("POST /api/v1/dags/" + DAG_ID + "/pause", 200, paused);

        assertThat(command.run("dag", "pause", "nightly", "--output", "json")).isZero();
        assertThat(command.out()).isEqualTo(paused + "\n");
    }

    @Test
    void aNameThatAShellWouldTakeApartIsShownInQuotes() {
        node.on("GET /api/v1/dags?name=the%20night%27s", 200, "[" + DAG.replace("nightly", "the night's") + "]");
        node.on("POST /api/v1/dags/" + DAG_ID + "/pause", 200, DAG);

        assertThat(command.run("dag", "pause", "the night's")).isZero();
        assertThat(command.err()).contains("orrery dag resume 'the night'\\''s'");
    }

    @Test
    void severalFilesArePublishedOnlyIfAllAreValid() throws IOException {
        Files.writeString(folder.resolve("a.yaml"), "name: nightly\ntasks: [{id: a, type: handler, handler: noop}]\n");
        Files.writeString(folder.resolve("b.yaml"), "name: broken\ntasks: []\n");

        assertThat(command.run("dag", "apply", "a.yaml", "b.yaml")).isEqualTo(4);
        assertThat(command.err()).contains("b.yaml:");
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void aFileIsCreatedUpdatedOrLeftAsItIs() throws IOException {
        Files.writeString(
                folder.resolve("a.yaml"),
                "name: nightly\nschedule: '0 2 * * *'\ntasks: [{id: a, type: handler, handler: noop}]\n");
        Files.writeString(folder.resolve("b.yaml"), "name: fresh\ntasks: [{id: a, type: handler, handler: noop}]\n");
        var puts = new AtomicInteger();
        node.on(
                "PUT /api/v1/dags/" + DAG_ID,
                exchange -> StubNode.send(
                        exchange,
                        200,
                        DAG.replace("\"version\":3", "\"version\":" + (puts.incrementAndGet() == 1 ? 4 : 3))
                                .replace("\"nextRun\":null", "\"nextRun\":\"2026-02-01T02:00:00Z\"")));
        node.on("GET /api/v1/dags?name=fresh", 200, "[]");
        node.on("POST /api/v1/dags", 201, DAG.replace("nightly", "fresh").replace("\"version\":3", "\"version\":1"));

        assertThat(command.run("dag", "apply", "a.yaml", "b.yaml")).isZero();
        assertThat(command.run("dag", "apply", "a.yaml")).isZero();
        assertThat(command.out()).isEqualTo("""
                        ok: updated nightly version 4 (2 tasks)
                        ok: created fresh version 1 (2 tasks)
                        ok: unchanged nightly version 3 (2 tasks)
                        """);
        assertThat(command.err()).contains("schedule '0 2 * * *': next run at 2026-02-01T02:00:00Z");
        assertThat(JsonObject.parse(node.requests().get(3).body()).text("name")).contains("fresh");
    }

    @Test
    void filesThatClaimOneNameOrNoneAreRefused() throws IOException {
        Files.writeString(folder.resolve("a.yaml"), "name: nightly\ntasks: [{id: a, type: handler, handler: noop}]\n");
        Files.writeString(folder.resolve("b.yaml"), "name: nightly\ntasks: [{id: b, type: handler, handler: noop}]\n");
        Files.writeString(folder.resolve("c.yaml"), "tasks: [{id: c, type: handler, handler: noop}]\n");

        assertThat(command.run("dag", "apply", "a.yaml", "b.yaml")).isEqualTo(4);
        assertThat(command.run("dag", "apply", "c.yaml")).isEqualTo(4);
        assertThat(command.run("dag", "apply", "a.yaml", "c.yaml", "--name", "x"))
                .isEqualTo(2);
        assertThat(command.err())
                .contains("both called 'nightly'")
                .contains("c.yaml does not say what its DAG is called");
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void aDryRunShowsTheDifferenceByTaskAndSendsNothing() throws IOException {
        Files.writeString(
                folder.resolve("a.yaml"),
                "name: nightly\ntasks: [{id: a, type: handler, handler: echo}, {id: c, type: handler, handler: noop}]\n");
        Files.writeString(folder.resolve("b.yaml"), "name: fresh\ntasks: [{id: a, type: handler, handler: noop}]\n");
        node.on("GET /api/v1/dags?name=fresh", 200, "[]");
        node.on(
                "GET /api/v1/dags/" + DAG_ID + "/definition",
                200,
                "{\"version\":3,\"yaml\":\"tasks: [{id: a, type: handler, handler: noop}, {id: b, type: handler, handler: noop}]\\n\"}");

        assertThat(command.run("dag", "apply", "a.yaml", "b.yaml", "--dry-run")).isZero();
        assertThat(command.out()).isEqualTo("""
                        nightly: would become version 4
                          + task c (handler)
                          - task b (handler)
                          ~ task a
                              handler: noop -> echo
                        fresh: would be created (1 task)
                        """);
        assertThat(node.requests()).allMatch(request -> request.method().equals("GET"));

        var json = new CommandRun().against(node).in(folder);
        assertThat(json.run("dag", "apply", "a.yaml", "--dry-run", "-o", "json"))
                .isZero();
        assertThat(JsonObject.parseList(json.out()).getFirst().texts("changes")).contains("~ task a");
    }

    @Test
    void anUnchangedFileIsSaidToBeSoInADryRun() throws IOException {
        Files.writeString(folder.resolve("a.yaml"), "tasks: [{id: a, type: handler, handler: noop}]\n");
        node.on(
                "GET /api/v1/dags/" + DAG_ID + "/definition",
                200,
                "{\"version\":3,\"yaml\":\"tasks: [{id: a, type: handler, handler: noop}]\\n\"}");

        assertThat(command.run("dag", "apply", "a.yaml", "--name", "nightly", "--dry-run"))
                .isZero();
        assertThat(command.out()).isEqualTo("nightly: unchanged, version 3\n");
    }
}
