package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Seeing, firing, pausing and ending jobs. */
class JobCommandsTest extends ServerCommandsTestBase {

    private static final String ID = "01980f6e-7000-7000-8b2d-5f3100000000";
    private static final String OTHER_ID = "01980f6e-7001-7000-8b2d-5f3100000000";
    private static final String EXECUTION = "01980f6e-7100-7000-8b2d-5f3100000000";

    private static final String JOB = """
            {"id":"01980f6e-7000-7000-8b2d-5f3100000000","name":"report","type":"cron","status":"active","schedule":"30 6 * * MON-FRI",\
            "interval":null,"runAt":null,"timezone":"Europe/Berlin","startAt":null,"endAt":"2026-12-31T00:00:00.000000Z","maxExecutions":7,\
            "excludedDates":["2026-05-01"],"misfire":"fire_once","overlap":"skip","nextRun":"2026-02-02T05:30:00.000000Z",\
            "lastRun":"2026-01-30T05:30:00.000000Z","handlerName":"shell","handlerType":"function","payload":{"command":"echo"},\
            "maxRetries":3,"retryDelayMs":60000,"timeoutMs":300000,"priority":"medium","executionsCount":12,"successCount":11,\
            "failureCount":1,"avgDurationMs":1500,"tags":["a","b"],"metadata":null,"createdBy":"ann","error":null}""";

    private static final String OTHER_JOB = """
            {"id":"01980f6e-7001-7000-8b2d-5f3100000000","name":"once","type":"one_time","status":"completed",\
            "schedule":null,"interval":null,"runAt":"2026-01-31T02:00:00.000000Z","timezone":"UTC","nextRun":null,\
            "handlerName":"nightly","handlerType":"workflow","executionsCount":1,"failureCount":0}""";

    private static final String EXECUTIONS = """
            {"items":[
             {"id":"01980f6e-7100-7000-8b2d-5f3100000000","status":"failed","triggeredBy":"schedule","scheduledAt":"2026-01-30T05:30:00.000000Z",
              "durationMs":2500,"error":"exit code 1","retryCount":3,"skippedUntil":null,"skippedCount":null,"skippedReason":null},
             {"id":"01980f6e-7101-7000-8b2d-5f3100000000","status":"skipped","triggeredBy":"schedule","scheduledAt":"2026-01-28T05:30:00.000000Z",
              "durationMs":null,"error":null,"retryCount":0,"skippedUntil":"2026-01-29T05:30:00.000000Z","skippedCount":2,"skippedReason":"misfire"},
             {"id":"01980f6e-7102-7000-8b2d-5f3100000000","status":"skipped","triggeredBy":"schedule","scheduledAt":"2026-01-27T05:30:00.000000Z",
              "durationMs":null,"error":null,"retryCount":0,"skippedUntil":"2026-01-27T05:30:00.000000Z","skippedCount":1,"skippedReason":"overlap"}],
             "nextCursor":"5:x"}""";

    @BeforeEach
    void aNodeWithJobs() {
        node.on("GET /api/v1/jobs?text=report&limit=500", 200, page(JOB, JOB.replace("\"report\"", "\"my report\"")));
        node.on("GET /api/v1/jobs?limit=500", 200, page(JOB, OTHER_JOB));
        node.on("GET /api/v1/jobs/" + ID, 200, JOB);
    }

    private static String page(String... items) {
        return "{\"items\":[" + String.join(",", items) + "],\"nextCursor\":null}";
    }

    private List<String> calls() {
        return node.requests().stream()
                .map(request -> request.method() + " " + request.path())
                .toList();
    }

    @Test
    void jobsAreListedAsATable() {
        node.on("GET /api/v1/jobs?limit=50", 200, page(JOB, OTHER_JOB));

        assertThat(command.run("job", "list")).isZero();
        assertThat(command.out()).isEqualTo("""
                        NAME    STATUS     TIMES                    NEXT      DID  FAILED  ID                                    DOES
                        report  active     30 6 * * MON-FRI         in 2d 3h   12       1  01980f6e-7000-7000-8b2d-5f3100000000  shell
                        once    completed  at 2026-01-31T02:00:00Z  -           1       0  01980f6e-7001-7000-8b2d-5f3100000000  dag nightly
                        """);
    }

    @Test
    void aListIsNarrowedAndGoesOnWhereItEnded() {
        node.on(
                "GET /api/v1/jobs?limit=1&status=active&type=one_time&tag=a%26b&handler=shell&text=x%20y&cursor=1%3Az",
                200, "{\"items\":[" + JOB + "],\"nextCursor\":\"2:y\"}");

        assertThat(command.run(
                        "job",
                        "list",
                        "--limit",
                        "1",
                        "--status",
                        "active",
                        "--type",
                        "one_time",
                        "--tag",
                        "a&b",
                        "--handler",
                        "shell",
                        "--text",
                        "x y",
                        "--cursor",
                        "1:z"))
                .isZero();
        assertThat(command.err()).contains("there are more: --cursor 2:y");
    }

    @Test
    void theJobsThatEventsFireAreListedToo() {
        node.on("GET /api/v1/jobs?limit=50&type=event", 200, page());

        assertThat(command.run("job", "list", "--type", "event"))
                .as(command.err())
                .isZero();
    }

    @Test
    void anEmptyListSaysWhatToDo() {
        node.on("GET /api/v1/jobs?limit=50", 200, page());
        node.on("GET /api/v1/jobs?limit=50&tag=x", 200, page());

        assertThat(command.run("job", "list")).isZero();
        assertThat(command.run("job", "list", "--tag", "x")).isZero();
        assertThat(command.out())
                .isEqualTo("no jobs; register one with: orrery job create --help\nno jobs like that\n");
    }

    @Test
    void aJobIsShown() {
        assertThat(command.run("job", "show", "report")).isZero();
        assertThat(command.out()).isEqualTo("""
                        job          report
                        id           01980f6e-7000-7000-8b2d-5f3100000000
                        status       active
                        times        30 6 * * MON-FRI (Europe/Berlin)
                        not after    2026-12-31T00:00:00Z
                        at most      7 times
                        not on       2026-05-01
                        next         2026-02-02T05:30:00Z (in 2d 3h)
                        last         2026-01-30T05:30:00Z (20h ago)
                        misfire      fire_once
                        overlap      skip
                        does         shell
                        payload      {"command":"echo"}
                        retries      3, the first after 1m 00s
                        timeout      5m 00s
                        priority     medium
                        tags         a, b
                        created by   ann
                        executions   12 (11 succeeded, 1 failed, 1.5s on average)
                        """);
    }

    @Test
    void programsGetWhatTheNodeAnswered() {
        node.on("GET /api/v1/jobs?limit=50", 200, page(JOB));

        assertThat(command.run("job", "list", "--output", "json")).isZero();
        assertThat(command.run("job", "show", ID, "--output", "json")).isZero();
        assertThat(command.out()).isEqualTo(page(JOB) + "\n" + JOB + "\n");
    }

    @Test
    void aNameIsSoughtOnAllPagesAndMustBeMeantExactly() {
        node.on(
                "GET /api/v1/jobs?text=report&limit=500",
                200,
                "{\"items\":[" + JOB.replace("\"report\"", "\"reports\"") + "],\"nextCursor\":\"9:a\"}");
        node.on("GET /api/v1/jobs?text=report&limit=500&cursor=9%3Aa", 200, page(JOB));

        assertThat(command.run("job", "show", "report")).isZero();
        assertThat(command.out()).startsWith("job          report\n");
    }

    @Test
    void aNameThatSeveralHaveIsNotGuessed() {
        node.on("GET /api/v1/jobs?text=report&limit=500", 200, page(JOB, JOB.replace(ID, OTHER_ID)));

        assertThat(command.run("job", "delete", "report")).isEqualTo(2);
        assertThat(command.err())
                .contains("2 jobs are called 'report'")
                .contains(ID + " (active), " + OTHER_ID + " (active)");
        assertThat(calls()).noneMatch(call -> call.startsWith("DELETE"));
    }

    @Test
    void aJobThatIsNotThereIsNotFoundAndTheNearestNamed() {
        node.on("GET /api/v1/jobs?text=reprot&limit=500", 200, page());

        assertThat(command.run("job", "show", "reprot")).isEqualTo(3);
        assertThat(command.err()).contains("no job is called 'reprot'").contains("did you mean 'report'?");
    }

    @Test
    void theNextTimesAreToldByBothClocksWithWhatTheirChangeDoes() {
        node.on("GET /api/v1/jobs/" + ID + "/next?count=3", 200, """
                [{"at":"2026-03-28T01:30:00.000000Z","local":"2026-03-28T02:30:00","offset":"+01:00","clockChange":null,"meant":null},
                 {"at":"2026-03-29T01:00:00.000000Z","local":"2026-03-29T03:00:00","offset":"+02:00","clockChange":"skipped","meant":"2026-03-29T02:30:00"},
                 {"at":"2026-10-25T00:30:00.000000Z","local":"2026-10-25T02:30:00","offset":"+02:00","clockChange":"repeated","meant":null}]""");

        assertThat(command.run("job", "next", "report", "--count", "3")).isZero();
        assertThat(command.out()).isEqualTo("""
                        next times of report in Europe/Berlin
                        LOCAL                OFFSET  UTC                   WHEN         NOTE
                        2026-03-28 02:30:00  +01:00  2026-03-28T01:30:00Z  in 55d 23h
                        2026-03-29 03:00:00  +02:00  2026-03-29T01:00:00Z  in 56d 22h   the clock leaves out 2026-03-29 02:30:00
                        2026-10-25 02:30:00  +02:00  2026-10-25T00:30:00Z  in 266d 22h  the clock shows it twice; fires the first time
                        """);
    }

    @Test
    void aJobThatFiresNoMoreSaysSo() {
        node.on("GET /api/v1/jobs?text=once&limit=500", 200, page(OTHER_JOB));
        node.on("GET /api/v1/jobs/" + OTHER_ID + "/next?count=10", 200, "[]");

        assertThat(command.run("job", "next", "once")).isZero();
        assertThat(command.out()).isEqualTo("once fires no more: it is completed\n");
    }

    @Test
    void aHistoryTellsWhatFailedAndWhatWasLeftOut() {
        node.on("GET /api/v1/jobs/" + ID + "/executions?limit=20", 200, EXECUTIONS);

        assertThat(command.run("job", "history", "report")).isZero();
        assertThat(command.out()).isEqualTo("""
                        DUE                   STATUS   BY        TOOK  RETRIES  ID                                    NOTE
                        2026-01-30T05:30:00Z  failed   schedule  2.5s        3  01980f6e-7100-7000-8b2d-5f3100000000  exit code 1
                        2026-01-28T05:30:00Z  skipped  schedule  -           -  -                                     misfire, 2 times until 2026-01-29T05:30:00Z
                        2026-01-27T05:30:00Z  skipped  schedule  -           -  -                                     overlap
                        """);
        assertThat(command.err()).contains("--cursor 5:x");
    }

    @Test
    void aHistoryByAnotherTimeShowsThatTimeToo() {
        node.on(
                "GET /api/v1/jobs/" + ID + "/executions?limit=20&by=startedAt&from=2026-01-30T23%3A00%3A00Z",
                200,
                page("""
                        {"id":"01980f6e-7100-7000-8b2d-5f3100000000","status":"running","triggeredBy":"schedule",
                         "scheduledAt":"2026-01-30T05:30:00.000000Z","startedAt":"2026-01-31T07:00:00.250000Z","retryCount":0}"""));

        assertThat(command.run("job", "history", "report", "--by", "started", "--from", "2026-01-31"))
                .as(command.err())
                .isZero();

        assertThat(command.out()).isEqualTo("""
                        STARTED               DUE                   STATUS   BY        TOOK  RETRIES  ID                                    NOTE
                        2026-01-31T07:00:00Z  2026-01-30T05:30:00Z  running  schedule  -           0  01980f6e-7100-7000-8b2d-5f3100000000
                        """);
    }

    @ParameterizedTest
    @CsvSource({
        "2026-01-31, 2026-01-30T23:00:00Z",
        "2026-01-31T09:00, 2026-01-31T08:00:00Z",
        "2026-07-31 09:00:01, 2026-07-31T07:00:01Z",
        "2026-01-31T09:00Z, 2026-01-31T09:00:00Z",
        "2026-01-31T09:00-05:00, 2026-01-31T14:00:00Z"
    })
    void aTimeWithoutAnOffsetIsOneOfTheJobsZone(String written, String meant) {
        var query = "&status=failed&from=" + meant.replace(":", "%3A") + "&to=" + meant.replace(":", "%3A");
        node.on("GET /api/v1/jobs/" + ID + "/executions?limit=2" + query, 200, page());

        assertThat(command.run(
                        "job",
                        "history",
                        "report",
                        "--limit",
                        "2",
                        "--status",
                        "failed",
                        "--from",
                        written,
                        "--to",
                        written))
                .as(command.err())
                .isZero();
        assertThat(command.out()).isEqualTo("nothing like that\n");
    }

    @Test
    void aTimeThatIsNoneOrThatTheClockLeavesOutIsRefused() {
        assertThat(command.run("job", "history", "report", "--from", "soon")).isEqualTo(2);
        assertThat(command.run("job", "history", "report", "--to", "2026-03-29T02:30"))
                .isEqualTo(2);
        assertThat(command.err())
                .contains("--from 'soon' is no time")
                .contains("the clock of Europe/Berlin leaves out 2026-03-29T02:30");
    }

    @Test
    void theNumbersOfAJobAreToldInWords() {
        node.on("GET /api/v1/jobs/" + ID + "/stats?windowHours=48", 200, """
                {"windowHours":48,"executions":10,"successes":8,"failures":1,"timeouts":0,"cancellations":1,"open":0,"skips":2,"successRate":0.889,
                 "avgDurationMs":1500.5,"p50DurationMs":1000.0,"p95DurationMs":65000.0,"p99DurationMs":65000.0,"lastFailures":[
                 {"id":"01980f6e-7100-7000-8b2d-5f3100000000","scheduledAt":"2026-01-30T05:30:00.000000Z","error":"exit code 1"}]}""");

        assertThat(command.run("job", "stats", "report", "--window", "2d")).isZero();
        assertThat(command.out()).isEqualTo("""
                        of the last  2d
                        executions   10 (8 succeeded, 1 failed, 0 timed out, 1 cancelled, 0 open)
                        left out     2
                        success      88.9%
                        took         1.5s on average; half within 1.0s, 95% within 1m 05s, 99% within 1m 05s

                        FAILED                ID                                    ERROR
                        2026-01-30T05:30:00Z  01980f6e-7100-7000-8b2d-5f3100000000  exit code 1
                        """);
        assertThat(command.run("job", "stats", "report", "--window", "90m")).isEqualTo(2);
        assertThat(command.err()).contains("--window '90m' is no number of whole hours");
    }

    @Test
    void ajobThatDidNothingHasNoRates() {
        node.on("GET /api/v1/jobs/" + ID + "/stats?windowHours=24", 200, """
                {"windowHours":24,"executions":0,"successes":0,"failures":0,"timeouts":0,"cancellations":0,"open":0,"skips":0,"successRate":null,
                 "avgDurationMs":null,"p50DurationMs":null,"p95DurationMs":null,"p99DurationMs":null,"lastFailures":[]}""");

        assertThat(command.run("job", "stats", "report")).isZero();
        assertThat(command.out()).endsWith("left out     0\n");
    }

    @ParameterizedTest
    @CsvSource({
        "pause, POST, /pause, ok: paused report, 'orrery job resume report'",
        "resume, POST, /resume, ok: resumed report, 'orrery job next report'",
        "cancel, POST, /cancel?running=keep, ok: cancelled report, 'orrery job history report'"
    })
    void aJobIsSwitchedAndToldWhatOneMayDoNext(String verb, String method, String call, String done, String next) {
        node.on(method + " /api/v1/jobs/" + ID + call, 200, JOB);

        assertThat(command.run("job", verb, "report")).isZero();
        assertThat(command.out()).isEqualTo(done + "\n");
        assertThat(command.err()).contains(next);
        var json = new CommandRun().against(node);
        assertThat(json.run("job", verb, ID, "--output", "json")).isZero();
        assertThat(json.out()).isEqualTo(JOB + "\n");
        assertThat(json.err()).isEmpty();
    }

    @Test
    void whatRunsIsCancelledWhereThatIsAsked() {
        node.on("POST /api/v1/jobs/" + ID + "/cancel?running=cancel", 200, JOB);

        assertThat(command.run("job", "cancel", ID, "--running")).isZero();
    }

    @Test
    void aDeletedJobIsNamed() {
        node.on("DELETE /api/v1/jobs/" + ID, 204, "");

        assertThat(command.run("job", "delete", "report")).isZero();
        assertThat(command.run("job", "delete", ID, "--output", "json")).isZero();
        assertThat(command.out()).isEqualTo("deleted report\n{\"id\":\"" + ID + "\",\"name\":\"report\"}\n");
    }

    @Test
    void jobsAreListedInTheOrderThatIsAskedFor() {
        node.on("GET /api/v1/jobs?limit=50&sort=nextRun", 200, page(JOB));

        assertThat(command.run("job", "list", "--sort", "nextRun")).isZero();
        assertThat(command.out()).contains("report");
    }

    @Test
    void whatAnExecutionSaidIsToldEntryByEntryUntilItEnds() {
        var path = "GET /api/v1/executions/" + EXECUTION + "/logs?limit=500&level=info";
        var entry = "{\"executionId\":\"" + EXECUTION + "\",\"taskId\":\"job\",\"attempt\":1,"
                + "\"timestamp\":\"2026-01-30T05:30:00.123000Z\",\"level\":\"info\",\"message\":\"read\\nall\",\"data\":{\"n\":1}}";
        var second = entry.replace("\"attempt\":1", "\"attempt\":2").replace("\"data\":{\"n\":1}", "\"data\":null");
        node.on(path, 200, "{\"items\":[" + entry + "],\"nextCursor\":\"1:1:9\"}");
        node.on(path + "&cursor=1%3A1%3A9", 200, "{\"items\":[" + second + "],\"nextCursor\":\"1:2:9\"}");
        node.on(path + "&cursor=1%3A2%3A9", 200, "{\"items\":[],\"nextCursor\":\"1:2:9\"}");

        assertThat(command.run("job", "logs", EXECUTION, "--level", "info")).isZero();

        assertThat(command.out()).isEqualTo("""
                2026-01-30T05:30:00.123000Z INFO read
                    all {"n":1}
                ==> job, attempt 2 <==
                2026-01-30T05:30:00.123000Z INFO read
                    all
                """);
        var json = new CommandRun().against(node);
        assertThat(json.run("job", "logs", EXECUTION, "--level", "info", "--output", "json"))
                .isZero();
        assertThat(json.out().lines()).containsExactly(entry, second);
        assertThat(command.run("job", "logs", "report")).isEqualTo(2);
        assertThat(command.err()).contains("'report' is no id of an execution");
    }

    @Test
    void aJobThatIsFiredByHandTellsItsExecution() {
        node.on("POST /api/v1/jobs/" + ID + "/trigger", 202, "{\"id\":\"" + EXECUTION + "\"}");

        assertThat(command.run("job", "trigger", "report")).isZero();
        assertThat(command.out()).isEqualTo("ok: fired report: execution " + EXECUTION + "\n");
        assertThat(command.err()).contains("orrery run watch " + EXECUTION);
    }

    @Test
    void anExecutionIsTriedAgain() {
        node.on("POST /api/v1/executions/" + EXECUTION + "/retry", 200, "{\"id\":\"" + EXECUTION + "\"}");

        assertThat(command.run("job", "retry", EXECUTION)).isZero();
        assertThat(command.out()).isEqualTo("ok: execution " + EXECUTION + " is tried again\n");
        assertThat(command.run("job", "retry", "report")).isEqualTo(2);
        assertThat(command.err()).contains("'report' is no id of an execution");
    }
}
