package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.StubNode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.Interrupts.Ending;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServerCommandsTest {

    private static final String DAG_ID = "01980f6e-3c00-7000-8b2d-5f3100000000";
    private static final String RUN_ID = "01980f6e-5a10-7000-8b2d-5f3100000000";
    private static final String OTHER_RUN_ID = "01980f6e-5a11-7000-8b2d-5f3100000000";

    private static final String DAG = """
            {"id":"01980f6e-3c00-7000-8b2d-5f3100000000","name":"nightly","taskCount":2,"schedule":null,"timezone":"UTC",
             "active":true,"version":3,"createdAt":"2026-01-31T00:00:00Z","updatedAt":"2026-01-31T02:00:05Z"}""";

    private static final String FAILED_RUN = """
            {"runId":"01980f6e-5a10-7000-8b2d-5f3100000000","dagId":"01980f6e-3c00-7000-8b2d-5f3100000000","dagName":"nightly",
             "dagVersion":3,"triggeredBy":"api","state":"failed","params":{"day":"x"},"startedAt":"2026-01-31T02:00:00Z",
             "completedAt":"2026-01-31T02:00:04Z","createdAt":"2026-01-31T02:00:00Z","tasks":[
             {"taskId":"late","state":"failed","attempt":1,"error":"too late","startedAt":"2026-01-31T02:00:00Z","completedAt":"2026-01-31T02:00:03Z"},
             {"taskId":"extract","state":"failed","attempt":3,"error":"exit code 1","startedAt":"2026-01-31T02:00:00Z","completedAt":"2026-01-31T02:00:02Z"},
             {"taskId":"load","state":"skipped","attempt":0,"error":null,"startedAt":null,"completedAt":"2026-01-31T02:00:02Z"}]}""";

    @TempDir
    private Path folder;

    private final StubNode node = new StubNode();
    private final CommandRun command = new CommandRun().against(node);

    @BeforeEach
    void aNodeWithADag() {
        command.in(folder);
        node.on("GET /api/v1/dags?name=nightly", 200, "[" + DAG + "]");
        node.on("GET /api/v1/dags?limit=500", 200, "[" + DAG + "]");
        node.on("GET /api/v1/dags/" + DAG_ID, 200, DAG);
        node.on("GET /api/v1/runs/" + RUN_ID, 200, FAILED_RUN);
    }

    @AfterEach
    void close() {
        node.close();
    }

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
    void runsOfADagAreFoundByItsNameOrId() {
        var run = "{\"runId\":\"" + RUN_ID
                + "\",\"dagName\":\"nightly\",\"dagVersion\":3,\"state\":\"succeeded\",\"triggeredBy\":\"api\","
                + "\"startedAt\":\"2026-01-31T02:00:00Z\",\"completedAt\":\"2026-01-31T02:00:03.210Z\",\"createdAt\":\"2026-01-31T01:58:00Z\"}";
        node.on("GET /api/v1/dags?name=" + DAG_ID, 200, "[]");
        node.on("GET /api/v1/dags/" + DAG_ID + "/runs?limit=20&offset=0&state=succeeded", 200, "[" + run + "]");

        assertThat(command.run("run", "list", "--dag", "nightly", "--state", "succeeded"))
                .isZero();
        assertThat(command.run("run", "list", "--dag", DAG_ID, "--state", "succeeded"))
                .isZero();
        assertThat(command.out()).startsWith("""
                        RUN                                   STATE      CREATED  TOOK  BY   VERSION  DAG
                        01980f6e-5a10-7000-8b2d-5f3100000000  succeeded  2m ago   3.2s  api        3  nightly
                        """);
    }

    @Test
    void aDagThatIsNotThereIsNotFoundAndTheNearestNamed() {
        node.on("GET /api/v1/dags?name=nigthly", 200, "[]");

        assertThat(command.run("dag", "show", "nigthly")).isEqualTo(3);
        assertThat(command.err()).contains("no DAG is called 'nigthly'").contains("did you mean 'nightly'?");
    }

    @Test
    void aRunIsFoundByItsBeginningOrAsTheLatest() {
        node.on(
                "GET /api/v1/runs?limit=500",
                200,
                "[{\"runId\":\"" + OTHER_RUN_ID + "\"},{\"runId\":\"" + RUN_ID + "\"}]");
        node.on("GET /api/v1/runs?limit=1", 200, "[{\"runId\":\"" + RUN_ID + "\"}]");

        assertThat(command.run("run", "show", "01980f6e-5a10", "-o", "json")).isZero();
        assertThat(command.run("run", "show", "latest", "-o", "json")).isZero();
        assertThat(command.run("run", "show", "-o", "json")).isZero();
        assertThat(command.out()).isEqualTo((FAILED_RUN + "\n").repeat(3));
    }

    @Test
    void aBeginningThatSeveralRunsHaveIsNotEnough() {
        node.on(
                "GET /api/v1/runs?limit=500",
                200,
                "[{\"runId\":\"" + OTHER_RUN_ID + "\"},{\"runId\":\"" + RUN_ID + "\"}]");

        assertThat(command.run("run", "cancel", "01980f6e-5a1")).isEqualTo(2);
        assertThat(command.err()).contains("2 runs begin with").contains(RUN_ID).contains(OTHER_RUN_ID);
        assertThat(new CommandRun().against(node).run("run", "show", "01980f6f"))
                .isEqualTo(3);
        assertThat(new CommandRun().against(node).run("run", "show", "no id")).isEqualTo(2);
    }

    @Test
    void aFailedRunShowsWhatFailedFirstTheEndOfItsLogAndWhatToDoNext() {
        var log = new StringBuilder();
        for (var n = 1; n <= 30; n++) {
            log.append("line ").append(n).append('\n');
        }
        node.on("GET /api/v1/runs/" + RUN_ID + "/tasks/extract/logs", 200, log.toString());

        assertThat(command.run("run", "show", RUN_ID)).isZero();

        var lines = command.out().lines().toList();
        assertThat(lines.get(0)).isEqualTo("x task extract failed after 3 attempts: exit code 1");
        assertThat(lines.get(1)).isEqualTo("  | line 11");
        assertThat(lines.get(20)).isEqualTo("  | line 30");
        assertThat(lines.get(21)).isEqualTo("next: orrery run logs " + RUN_ID + " extract");
        assertThat(lines.get(22)).isEqualTo("      orrery dag trigger nightly --follow");
        assertThat(lines.get(23)).isEqualTo("x nightly failed in 4.0s (3 tasks: 2 failed, 1 skipped)");
        assertThat(command.out()).endsWith("""
                        run      01980f6e-5a10-7000-8b2d-5f3100000000
                        dag      nightly version 3
                        created  10s ago by api
                        params   {"day":"x"}

                        TASK     STATE    ATTEMPT  TOOK  ERROR
                        late     failed         1  3.0s  too late
                        extract  failed         3  2.0s  exit code 1
                        load     skipped        -  -
                        """);
    }

    @Test
    void aLogThatCannotBeReadDoesNotHideTheRun() {
        assertThat(command.run("run", "show", RUN_ID)).isZero();
        assertThat(command.out()).contains("its log cannot be read").contains("TASK     STATE");
    }

    @Test
    void theServerThatWasNamedIsNamedInWhatToDoNext() {
        var elsewhere = new CommandRun();

        assertThat(elsewhere.run("run", "show", RUN_ID, "--server", node.address()))
                .isZero();
        assertThat(elsewhere.out()).contains("next: orrery run logs " + RUN_ID + " extract --server " + node.address());
    }

    @Test
    void aRunIsStartedWithItsParams() throws IOException {
        Files.writeString(folder.resolve("params.json"), "{\"days\": 7, \"region\": \"us\"}");
        node.on("POST /api/v1/dags/" + DAG_ID + "/runs", 202, "{\"runId\":\"" + RUN_ID + "\",\"dagVersion\":3}");

        assertThat(command.run("dag", "trigger", "nightly", "--params", "@params.json", "--param", "region=eu=1"))
                .isZero();
        assertThat(node.requests().getLast().body()).isEqualTo("{\"params\":{\"days\":7,\"region\":\"eu=1\"}}");
        assertThat(command.out()).isEqualTo("run " + RUN_ID + " of nightly version 3\n");
        assertThat(command.err()).isEqualTo("follow it with: orrery run watch " + RUN_ID + "\n");
    }

    @Test
    void paramsThatAreNoObjectAreRefusedBeforeAnythingIsAsked() {
        assertThat(command.run("dag", "trigger", "nightly", "--params", "[1]")).isEqualTo(2);
        assertThat(command.err()).contains("--params is no JSON object");
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void aFollowedRunThatFailsEndsWithOneAndItsReport() {
        node.on("POST /api/v1/dags/" + DAG_ID + "/runs", 202, "{\"runId\":\"" + RUN_ID + "\",\"dagVersion\":3}");
        node.on("GET /api/v1/runs/" + RUN_ID + "/events", exchange -> StubNode.sendEvents(exchange, """
                        id: 1
                        event: task
                        data: {"taskId":"extract","state":"failed","attempt":3,"at":"2026-01-31T02:00:02Z"}

                        id: 2
                        event: run
                        data: {"state":"failed","at":"2026-01-31T02:00:04Z"}

                        """));
        node.on("GET /api/v1/runs/" + RUN_ID + "/tasks/extract/logs", 200, "boom\n");

        assertThat(command.run("dag", "trigger", "nightly", "--follow")).isEqualTo(1);
        assertThat(command.out()).isEqualTo("""
                        run 01980f6e-5a10-7000-8b2d-5f3100000000 of nightly version 3
                            2.0s  extract failed (attempt 3)
                        x task extract failed after 3 attempts: exit code 1
                          | boom
                        next: orrery run logs 01980f6e-5a10-7000-8b2d-5f3100000000 extract
                              orrery dag trigger nightly --follow
                        x nightly failed in 4.0s (3 tasks: 2 failed, 1 skipped)
                        """);
    }

    @Test
    void theExitCodeTellsHowTheRunEndedEvenIfItCannotBeShown() {
        var reads = new AtomicInteger();
        node.on("GET /api/v1/runs/" + RUN_ID, exchange -> {
            if (reads.incrementAndGet() == 1) {
                StubNode.send(exchange, 200, FAILED_RUN);
            } else {
                StubNode.send(exchange, 500, "{\"code\":\"INTERNAL_ERROR\",\"message\":\"oh\",\"details\":[]}");
            }
        });
        node.on(
                "GET /api/v1/runs/" + RUN_ID + "/events",
                exchange -> StubNode.sendEvents(
                        exchange,
                        "id: 2\nevent: run\ndata: {\"state\":\"succeeded\",\"at\":\"2026-01-31T02:00:04Z\"}\n\n"));

        assertThat(command.run("run", "watch", RUN_ID)).isZero();
        assertThat(command.err()).contains("the run has ended, but cannot be shown: oh");
    }

    @Test
    void ctrlCWhileFollowingSaysHowToFollowAgain() {
        node.on(
                "GET /api/v1/runs/" + RUN_ID + "/events",
                exchange -> StubNode.sendEvents(
                        exchange,
                        "id: 2\nevent: run\ndata: {\"state\":\"succeeded\",\"at\":\"2026-01-31T02:00:04Z\"}\n\n"));

        assertThat(command.run("run", "watch", RUN_ID, "-o", "json")).isZero();
        command.signal(Ending.INT);

        assertThat(command.halted()).containsExactly(130);

        assertThat(command.err()).isEqualTo("the run goes on; follow it again with: orrery run watch " + RUN_ID + "\n");
        assertThat(command.out())
                .isEqualTo("{\"event\":\"run\",\"state\":\"succeeded\",\"at\":\"2026-01-31T02:00:04Z\"}\n");
    }

    @Test
    void aRunOrOneOfItsTasksIsCancelled() {
        node.on("POST /api/v1/runs/" + RUN_ID + "/cancel", 202, "");
        node.on("POST /api/v1/runs/" + RUN_ID + "/tasks/a%20b/cancel", 202, "");

        node.on(
                "GET /api/v1/runs/" + RUN_ID,
                200,
                FAILED_RUN.replace("\"state\":\"failed\",\"params", "\"state\":\"cancelling\",\"params"));

        assertThat(command.run("run", "cancel", RUN_ID)).isZero();
        assertThat(command.run("run", "cancel", RUN_ID, "--task", "a b")).isZero();
        assertThat(command.out()).contains("the run is asked to end").contains("task a b is asked to end");
    }

    @Test
    void aRunThatHadEndedIsNotSaidToBeAskedToEnd() {
        node.on("POST /api/v1/runs/" + RUN_ID + "/cancel", 202, "");

        assertThat(command.run("run", "cancel", RUN_ID)).isZero();
        assertThat(command.out()).isEqualTo("nothing to cancel: the run had already failed\n");
    }

    @Test
    void logsOfAllTasksStandUnderTheirNames() {
        node.on("GET /api/v1/runs/" + RUN_ID + "/tasks/late/logs", 200, "one\ntwo\nthree");
        node.on("GET /api/v1/runs/" + RUN_ID + "/tasks/extract/logs", 200, "");
        node.on("GET /api/v1/runs/" + RUN_ID + "/tasks/load/logs", 200, "x\n");

        assertThat(command.run("run", "logs", RUN_ID, "--tail", "2")).isZero();
        assertThat(command.out()).isEqualTo("==> late <==\ntwo\nthree\n==> extract <==\n==> load <==\nx\n");
    }

    @Test
    void theLogOfOneTaskIsPrintedAsItIs() {
        node.on("GET /api/v1/runs/" + RUN_ID + "/tasks/late/logs?attempt=2", 200, "one\ntwo");

        assertThat(command.run("run", "logs", RUN_ID, "late", "--attempt", "2")).isZero();
        assertThat(command.out()).isEqualTo("one\ntwo\n");
        assertThat(new CommandRun().against(node).run("run", "logs", RUN_ID, "--follow"))
                .isEqualTo(2);
    }

    @Test
    void workersAreListed() {
        node.on(
                "GET /api/v1/workers?limit=100&offset=0",
                200,
                "[{\"id\":\"w1\",\"nodeId\":\"n1\",\"status\":\"running\",\"runningTasks\":2,\"queueDepth\":14}]");

        assertThat(command.run("worker", "list")).isZero();
        assertThat(command.out())
                .isEqualTo("WORKER  STATUS   RUNNING  QUEUED  NODE\nw1      running        2      14  n1\n");
    }

    @Test
    void locksAreListedWithTheirHolders() {
        node.on("GET /api/v1/locks?limit=2&cursor=a", 200, """
                {"items":[
                 {"name":"b","fence":4711000000000,"runId":"r1","dagName":"nightly","taskId":"load","heldSince":"2026-01-31T02:00:05Z",
                  "waiting":3},
                 {"name":"c","fence":0,"runId":null,"dagName":null,"taskId":null,"heldSince":null,"waiting":0}],"nextCursor":"c"}""");
        node.on("GET /api/v1/locks?limit=100", 200, "{\"items\":[],\"nextCursor\":null}");

        assertThat(command.run("lock", "list", "--limit", "2", "--cursor", "a")).isZero();
        assertThat(command.out().lines().map(line -> line.replaceAll(" +", " ")))
                .containsExactly(
                        "LOCK TAKEN WAITING HELD TASK DAG RUN",
                        "b 4711000000000 3 5s ago load nightly r1",
                        "c 0 0 free - - -");
        assertThat(command.err()).contains("--cursor c");
        assertThat(new CommandRun().against(node).run("lock", "list", "--output", "json"))
                .isZero();
    }

    private static final String CLUSTER = """
            {"id":"c1","mode":"cluster","leader":"n1","epoch":4,"leaderSince":"2026-01-31T02:00:05Z","nodes":2,"drainingNodes":1,
             "silentNodes":1,"versions":["0.2.0"],"slots":16,"runningTasks":5,"queueDepth":14}""";

    private static String node(String id, String name, String state, String more) {
        return """
                {"id":"%s","name":"%s","state":"%s","leader":false,"mode":"cluster","version":"0.2.0","httpAddress":null,
                 "capabilities":["shell"],"startedAt":"2026-01-31T02:00:0%sZ","heartbeatAgeMs":412,"slots":8,"runningTasks":0,
                 "queueDepth":0,"clockOffsetMs":-3%s}""".formatted(id, name, state, id.substring(1), more);
    }

    private void nodes(String state, String... nodes) {
        node.on(
                "GET /api/v1/nodes?state=" + state + "&limit=500",
                200,
                "{\"items\":[" + String.join(",", nodes) + "],\"nextCursor\":null}");
    }

    private void aCluster() {
        node.on("GET /api/v1/cluster", 200, CLUSTER);
        nodes(
                "working",
                node(
                        "n1",
                        "a",
                        "working",
                        ",\"leader\":true,\"runningTasks\":5,\"queueDepth\":14,\"httpAddress\":\"http://10.0.0.1:8080\""));
        nodes("draining", node("n3", "c", "draining", ",\"clockOffsetMs\":3600000"));
        nodes("silent", node("n2", "b", "silent", ",\"heartbeatAgeMs\":7300"));
    }

    @Test
    void theClusterIsShownWithItsLeaderAndNodes() {
        aCluster();

        assertThat(command.run("cluster", "status")).isZero();
        assertThat(command.out().lines().map(line -> line.replaceAll(" +", " ")))
                .containsExactly(
                        "cluster c1 (cluster)",
                        "leader a, epoch 4, since 5s ago",
                        "load 5 running, 14 queued, 16 slots on 2 nodes",
                        "",
                        "NODE STATE LEADS RUNNING QUEUED SLOTS HEARTBEAT CLOCK VERSION STARTED ID ADDRESS",
                        "c draining - 0 0 8 412ms +1h 00m 0.2.0 7s ago n3 -",
                        "b silent - 0 0 8 7.3s -3ms 0.2.0 8s ago n2 -",
                        "a working yes 5 14 8 412ms -3ms 0.2.0 9s ago n1 http://10.0.0.1:8080");
        assertThat(command.err().lines())
                .satisfiesExactly(
                        clock -> assertThat(clock).contains("'c' is 1h 00m ahead of the database's", "set the clock"),
                        silent -> assertThat(silent).contains("'b' is silent"));
    }

    @Test
    void aClusterWithoutLeaderAndWithSeveralVersionsIsRemarkedOn() {
        aCluster();
        node.on(
                "GET /api/v1/cluster",
                200,
                CLUSTER.replace("\"n1\"", "null").replace("[\"0.2.0\"]", "[\"0.2.0\",\"0.3.0\"]"));

        assertThat(command.run("cluster", "status")).isZero();
        assertThat(command.out()).contains("leader   none, the last one had epoch 4\n");
        assertThat(command.err()).contains("no node leads", "different versions: 0.2.0, 0.3.0");
    }

    @Test
    void theClusterIsToldToPrograms() {
        aCluster();

        assertThat(command.run("cluster", "status", "--output", "json")).isZero();
        var told = JsonObject.parse(command.out());
        assertThat(told.object("cluster").orElseThrow().textOrEmpty("leader")).isEqualTo("n1");
        assertThat(told.objects("nodes").stream().map(one -> one.textOrEmpty("id")))
                .containsExactly("n3", "n2", "n1");
        assertThat(command.err()).isEmpty();
    }

    @Test
    void moreNodesThanFitIntoOneAnswerAreReadToTheEnd() {
        aCluster();
        node.on(
                "GET /api/v1/nodes?state=working&limit=500",
                200,
                "{\"items\":[" + node("n5", "e", "working", "") + "],\"nextCursor\":\"1:n5\"}");
        node.on(
                "GET /api/v1/nodes?state=working&limit=500&cursor=1%3An5",
                200, "{\"items\":[" + node("n1", "a", "working", "") + "],\"nextCursor\":null}");

        assertThat(command.run("cluster", "status", "--output", "json")).isZero();
        assertThat(JsonObject.parse(command.out()).objects("nodes")).hasSize(4);
    }

    @Test
    void aNodeIsAskedToDrainByItsNameOrId() {
        aCluster();
        node.on("POST /api/v1/nodes/n1/drain", 202, "");

        assertThat(command.run("cluster", "drain", "a")).isZero();
        assertThat(command.out()).startsWith("node a is asked to drain").contains("orrery cluster status");
        assertThat(node.requests().getLast().header("Idempotency-key")).startsWith("cli-");
        var byId = new CommandRun().against(node);
        assertThat(byId.run("cluster", "drain", "N1", "--output", "json")).isZero();
        assertThat(byId.out()).isEqualTo("{\"nodeId\":\"n1\"}\n");
    }

    @Test
    void aNodeThatIsNotThereOrNotTheOnlyOneOfItsNameIsNotDrained() {
        aCluster();
        nodes("draining", node("n3", "node-3", "draining", ""), node("n4", "a", "draining", ""));

        assertThat(command.run("cluster", "drain", "node-2")).isEqualTo(3);
        assertThat(command.err()).contains("no node is called 'node-2'", "did you mean 'node-3'?");
        var twice = new CommandRun().against(node);
        assertThat(twice.run("cluster", "drain", "a")).isEqualTo(2);
        assertThat(twice.err()).contains("2 nodes are called 'a'", "n4, n1");
        assertThat(node.requests()).allMatch(request -> request.method().equals("GET"));
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
    void aRunIsDeletedByItsIdOrAsTheLatest() {
        node.on("DELETE /api/v1/runs/" + RUN_ID, 204, "");
        node.on("GET /api/v1/runs?limit=1", 200, "[{\"runId\":\"" + RUN_ID + "\"}]");

        assertThat(command.run("run", "delete", RUN_ID)).isZero();
        assertThat(command.run("run", "delete", "latest", "--output", "json")).isZero();
        assertThat(command.out()).isEqualTo("deleted " + RUN_ID + "\n{\"runId\":\"" + RUN_ID + "\"}\n");
    }

    @Test
    void aRunThatIsActiveIsNotDeleted() {
        node.on(
                "DELETE /api/v1/runs/" + RUN_ID,
                409,
                "{\"code\":\"CONFLICT\",\"message\":\"the run is active\",\"details\":[]}");

        assertThat(command.run("run", "delete", RUN_ID)).isEqualTo(1);
        assertThat(command.err()).contains("the run is active");
    }

    @Test
    void aRefusedTokenHasItsOwnExitCodeAndIsNeverShown() {
        node.on(
                "GET /api/v1/dags?limit=50&offset=0",
                401,
                "{\"code\":\"UNAUTHORIZED\",\"message\":\"the token is wrong\",\"details\":[]}");

        assertThat(command.with("ORRERY_TOKEN", "s3cret").run("dag", "list")).isEqualTo(5);
        assertThat(command.err())
                .contains("the token is wrong")
                .contains("ORRERY_TOKEN")
                .doesNotContain("s3cret");
        assertThat(node.requests().getFirst().header("Authorization")).isEqualTo("Bearer s3cret");
    }

    @Test
    void aServerThatIsNotThereHasItsOwnExitCode() {
        node.close();

        assertThat(command.run("worker", "list")).isEqualTo(6);
        assertThat(command.err()).contains("cannot reach " + node.address()).contains("orrery node");
    }

    @Test
    void theAddressMustBeOne() {
        assertThat(new CommandRun().with("ORRERY_SERVER", "ftp://x").run("dag", "list"))
                .isEqualTo(2);
    }

    @Test
    void whatTheNodeFindsWrongIsToldWithItsPlaces() {
        node.on(
                "GET /api/v1/dags?limit=501&offset=0",
                400,
                "{\"code\":\"BAD_REQUEST\",\"message\":\"the query parameter 'limit' is wrong\",\"details\":[{\"code\":\"OUT_OF_RANGE\",\"line\":null,"
                        + "\"column\":null,\"path\":\"query.limit\",\"message\":\"501 is more than 500\",\"help\":\"1 to 500\"}]}");

        assertThat(command.run("dag", "list", "--limit", "501")).isEqualTo(4);
        assertThat(command.err()).contains("query.limit 501 is more than 500\n  help: 1 to 500");
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
                        DAG.replace("\"version\":3", "\"version\":" + (puts.incrementAndGet() == 1 ? 4 : 3))));
        node.on("GET /api/v1/dags?name=fresh", 200, "[]");
        node.on("POST /api/v1/dags", 201, DAG.replace("nightly", "fresh").replace("\"version\":3", "\"version\":1"));

        assertThat(command.run("dag", "apply", "a.yaml", "b.yaml")).isZero();
        assertThat(command.run("dag", "apply", "a.yaml")).isZero();
        assertThat(command.out()).isEqualTo("""
                        ok: updated nightly version 4 (2 tasks)
                        ok: created fresh version 1 (2 tasks)
                        ok: unchanged nightly version 3 (2 tasks)
                        """);
        assertThat(command.err())
                .contains(
                        "its schedule '0 2 * * *' is checked and stored, but this version starts no runs by schedule");
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
