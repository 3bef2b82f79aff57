package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.StubNode;
import dev.orrery.cli.run.Interrupts.Ending;
import java.io.IOException;
import java.nio.file.Files;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Starting, finding, following, cancelling and deleting runs, and reading their logs. */
class RunCommandsTest extends ServerCommandsTestBase {

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
    void runsOfATraceAreFoundByItsIdOrThatOfTheRunThatBeganIt() {
        node.on("GET /api/v1/runs?limit=20&offset=0&traceId=01980f6e5a1070008b2d5f3100000000", 200, "[]");

        assertThat(command.run("run", "list", "--trace", "01980F6E5A1070008B2D5F3100000000"))
                .as(command.err())
                .isZero();
        assertThat(command.run("run", "list", "--trace", RUN_ID))
                .as(command.err())
                .isZero();

        assertThat(command.out()).isEqualTo("no runs like that\nno runs like that\n");
        assertThat(command.run("run", "list", "--trace", "mine")).isEqualTo(2);
        assertThat(command.err()).contains("--trace 'mine' is no id of a trace");
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
    void anExecutionThatFailedIsTriedAgainByItsOwnCommand() {
        var execution = FAILED_RUN.replace("\"nightly\"", "\"job shell 43cd89a223574cb8363d0a60\"");
        node.on("GET /api/v1/runs/" + RUN_ID, 200, execution);
        node.on("GET /api/v1/runs/" + RUN_ID + "/tasks/extract/logs", 200, "boom\n");

        assertThat(command.run("run", "show", RUN_ID)).isZero();
        assertThat(command.out())
                .contains("      orrery job retry " + RUN_ID + "\n")
                .doesNotContain("dag trigger");
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
}
