package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.StubNode;
import dev.orrery.cli.text.Style;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Single tasks from the shell. */
class TaskCommandsTest extends ServerCommandsTestBase {

    private static final String TASK = "01980f6e-5a10-7000-8b2d-5f3180000001";
    private static final String CHILD = "01980f6e-5a11-7000-8b2d-5f3180000001";
    private static final String FIELDS =
            "\"name\":\"resize\",\"type\":\"handler\",\"queue\":\"default\",\"priority\":7,"
                    + "\"submittedAt\":\"2026-01-31T01:00:00.123Z\",\"source\":\"human\",\"maxRetries\":3,\"retryCount\":1";
    private static final String READY = "{\"id\":\"" + TASK + "\",\"state\":\"ready\"," + FIELDS + "}";
    private static final String DONE =
            "{\"id\":\"" + TASK + "\",\"state\":\"completed\"," + FIELDS + ",\"result\":{\"width\":800}}";
    private static final String FAILED =
            "{\"id\":\"" + TASK + "\",\"state\":\"failed\"," + FIELDS + ",\"error\":\"exit code 3\"}";

    private List<StubNode.Request> posts() {
        return node.requests().stream()
                .filter(request -> request.method().equals("POST"))
                .toList();
    }

    private String lastPost() {
        return posts().getLast().body();
    }

    @Test
    void aTaskIsSubmittedByOptions() {
        node.on("POST /api/v1/tasks", 201, READY);

        var exit = command.run(
                "task",
                "submit",
                "--handler",
                "resize",
                "--input",
                "{\"width\":8.50}",
                "--name",
                "resize",
                "--queue",
                "slow",
                "--priority",
                "7",
                "--deadline",
                "2026-12-24T18:00Z",
                "--estimate",
                "1.5",
                "--after",
                TASK,
                "--not-before",
                "2026-12-24",
                "--parent",
                TASK,
                "--session",
                "s",
                "--source",
                "api",
                "--created-by",
                "shop",
                "--tag",
                "a",
                "--tag",
                "b",
                "--timeout",
                "90s",
                "--retries",
                "1",
                "--unique-key",
                "k",
                "--on-conflict",
                "refuse",
                "--concurrency-key",
                "c");

        assertThat(exit).as(command.err()).isZero();
        assertThat(lastPost())
                .isEqualTo(
                        "{\"name\":\"resize\",\"type\":\"handler\",\"handler\":\"resize\",\"input\":{\"width\":8.50},"
                                + "\"queue\":\"slow\",\"priority\":7,\"deadline\":\"2026-12-24T18:00:00Z\","
                                + "\"estimatedDurationSeconds\":1.5,\"dependencies\":[\"" + TASK + "\"],"
                                + "\"notBefore\":\"2026-12-24T00:00:00Z\",\"parentTaskId\":\"" + TASK
                                + "\",\"sessionId\":\"s\","
                                + "\"source\":\"api\",\"createdBy\":\"shop\",\"tags\":[\"a\",\"b\"],\"timeout\":\"90s\","
                                + "\"maxRetries\":1,\"uniqueKey\":\"k\",\"onConflict\":\"refuse\",\"concurrencyKey\":\"c\"}");
        assertThat(command.out()).contains("ok: resize is ready: task " + TASK);
    }

    @Test
    void whatToDoIsSaidOnce() {
        assertThat(command.run("task", "submit")).isEqualTo(2);
        assertThat(command.err()).contains("--shell, --handler, --agent, --python, --http, or --file");
        assertThat(command.run("task", "submit", "--shell", "x", "--handler", "y"))
                .isEqualTo(2);
        assertThat(command.run("task", "submit", "--shell", "x", "--file", "y")).isEqualTo(2);
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void whoWaitsIsToldTheEnd() {
        var states = new ArrayList<>(List.of(READY, READY, DONE));
        node.on("POST /api/v1/tasks", 201, READY);
        node.on(
                "GET /api/v1/tasks/" + TASK,
                exchange -> StubNode.send(exchange, 200, states.size() > 1 ? states.removeFirst() : states.getFirst()));

        assertThat(command.run("task", "submit", "--handler", "resize", "--wait"))
                .as(command.err())
                .isZero();
        assertThat(command.out()).contains("resize completed", "{\"width\":800}");

        states.set(0, FAILED);
        assertThat(command.run("task", "submit", "--handler", "resize", "--wait"))
                .isEqualTo(1);
        assertThat(command.out()).contains("resize failed", "exit code 3");
    }

    @Test
    void aFileIsSubmittedBatchByBatchUnderKeysThatFollowFromOne() throws IOException {
        Files.writeString(
                folder.resolve("tasks.jsonl"),
                IntStream.range(0, 5)
                        .mapToObj(n -> "{\"type\":\"handler\",\"n\":" + n + "}")
                        .collect(Collectors.joining("\n\n")));
        node.on("POST /api/v1/tasks/batch", 201, "{\"tasks\":[]}");

        assertThat(command.run("task", "submit", "--file", "tasks.jsonl", "--batch", "2", "--key", "night"))
                .as(command.err())
                .isZero();

        assertThat(posts())
                .extracting(StubNode.Request::body)
                .containsExactly(
                        "{\"tasks\":[{\"type\":\"handler\",\"n\":0},{\"type\":\"handler\",\"n\":1}]}",
                        "{\"tasks\":[{\"type\":\"handler\",\"n\":2},{\"type\":\"handler\",\"n\":3}]}",
                        "{\"tasks\":[{\"type\":\"handler\",\"n\":4}]}");
        assertThat(posts())
                .extracting(request -> request.header("Idempotency-key"))
                .containsExactly("night-1", "night-2", "night-3");
        assertThat(command.out()).contains("5 tasks are submitted");
    }

    @Test
    void theTasksOfAFileAreWaitedForBySubmissionsAndNotOneByOne() throws IOException {
        Files.writeString(folder.resolve("tasks.jsonl"), "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n{\"d\":4}\n");
        node.on(
                "POST /api/v1/tasks/batch",
                201,
                "{\"tasks\":[{\"id\":\"" + TASK + "\"},{\"id\":\"" + TASK.replace("80000001", "80000002")
                        + "\"},{\"id\":\"" + CHILD + "\"},{\"id\":\"" + CHILD + "\"}]}");
        var counts = new ArrayList<>(List.of(
                "[{\"state\":\"ready\",\"count\":2}]",
                "[{\"state\":\"running\",\"count\":1},{\"state\":\"completed\",\"count\":1}]",
                "[{\"state\":\"completed\",\"count\":2}]"));
        node.on(
                "GET /api/v1/tasks/" + TASK + "/batch",
                exchange -> StubNode.send(exchange, 200, "{\"total\":2,\"states\":" + counts.removeFirst() + "}"));
        node.on("GET /api/v1/tasks/" + CHILD, 200, FAILED);

        var exit = command.onATerminal(Style.PLAIN).run("task", "submit", "--file", "tasks.jsonl", "--wait");

        assertThat(exit).as(command.err()).isEqualTo(1);
        assertThat(command.out()).contains("completed 2\nfailed 1\n");
        assertThat(command.err()).contains("1 of 3 ended", "2 of 3 ended", "3 of 3 ended");
        assertThat(node.requests())
                .as("the batch, three looks at it, one at the task that stood in")
                .hasSize(5);
    }

    @Test
    void tasksThatStandInForOthersAreWaitedForWithoutTheRestOfTheirSubmission() throws IOException {
        Files.writeString(folder.resolve("tasks.jsonl"), "{\"a\":1}\n{\"b\":2}\n");
        var other = TASK.replace("80000001", "80000002");
        node.on("POST /api/v1/tasks/batch", 201, "{\"tasks\":[{\"id\":\"" + TASK + "\"},{\"id\":\"" + other + "\"}]}");
        node.on("GET /api/v1/tasks/" + TASK + "/batch", 200, "{\"total\":900,\"states\":[]}");
        node.on("GET /api/v1/tasks/" + TASK, 200, DONE);
        node.on("GET /api/v1/tasks/" + other, 200, DONE);

        assertThat(command.run("task", "submit", "--file", "tasks.jsonl", "--wait"))
                .as(command.err())
                .isZero();

        assertThat(command.out()).contains("completed 2\n");
    }

    @Test
    void whatIsWrongInAFileIsToldByItsLineAndHowToGoOn() throws IOException {
        Files.writeString(folder.resolve("tasks.jsonl"), "{\"a\":1}\n\n{\"b\":2}\n{\"c\":3}\n");
        var refusal = "{\"code\":\"VALIDATION_ERROR\",\"message\":\"the batch is not valid\",\"details\":[{\"code\":"
                + "\"INVALID_VALUE\",\"line\":1,\"column\":9,\"path\":\"tasks[1].deadline\",\"message\":\"no time\",\"help\":null}]}";
        node.on("POST /api/v1/tasks/batch", 400, refusal);

        var exit = command.run("task", "submit", "--file", "tasks.jsonl", "--key", "night");

        assertThat(exit).isNotZero();
        assertThat(command.err()).contains("tasks.jsonl line 3: deadline", "no time", "--key night");
    }

    @Test
    void aFileMayBeginWithAByteOrderMark() throws IOException {
        Files.writeString(folder.resolve("tasks.jsonl"), "\uFEFF{\"a\":1}\n");
        node.on("POST /api/v1/tasks/batch", 201, "{\"tasks\":[]}");

        command.run("task", "submit", "--file", "tasks.jsonl");

        assertThat(command.err()).doesNotContain("is no task");
        assertThat(node.requests()).hasSize(1);
    }

    @Test
    void aLineThatIsNoObjectIsToldBeforeItIsSent() throws IOException {
        Files.writeString(folder.resolve("tasks.jsonl"), "{\"a\":1}\n[1]\n");

        assertThat(command.run("task", "submit", "--file", "tasks.jsonl")).isNotZero();
        assertThat(command.err()).contains("tasks.jsonl line 2 is no task");
        assertThat(node.requests()).isEmpty();
        Files.writeString(folder.resolve("empty.jsonl"), "\n");
        assertThat(command.run("task", "submit", "--file", "empty.jsonl")).isNotZero();
        assertThat(command.run("task", "submit", "--file", "missing.jsonl")).isEqualTo(2);
    }

    @Test
    void tasksAreListedUntilEnoughAreFound() {
        node.on("GET /api/v1/tasks?limit=2&state=blocked&tag=a%20b", 200, "{\"items\":[],\"nextCursor\":\"c1\"}");
        node.on(
                "GET /api/v1/tasks?limit=2&state=blocked&tag=a%20b&cursor=c1",
                200, "{\"items\":[" + READY + "],\"nextCursor\":\"c2\"}");
        node.on(
                "GET /api/v1/tasks?limit=1&state=blocked&tag=a%20b&cursor=c2",
                200, "{\"items\":[" + DONE + "],\"nextCursor\":\"c3\"}");

        assertThat(command.run("task", "list", "--state", "blocked", "--tag", "a b", "--limit", "2"))
                .as(command.err())
                .isZero();
        assertThat(command.out()).contains(TASK, "completed", "ready", "resize");
        assertThat(command.err()).contains("--cursor c3");
    }

    @Test
    void tasksAreListedByDeadline() {
        node.on(
                "GET /api/v1/tasks?limit=20&deadlineAfter=2026-12-24T00%3A00%3A00Z&deadlineBefore=2026-12-24T18%3A00%3A00Z",
                200, "{\"items\":[" + READY + "],\"nextCursor\":null}");

        assertThat(command.run(
                        "task",
                        "list",
                        "--deadline-after",
                        "2026-12-24T00:00Z",
                        "--deadline-before",
                        "2026-12-24T18:00Z"))
                .as(command.err())
                .isZero();
        assertThat(command.out()).contains(TASK);
    }

    @Test
    void aTaskIsShownWithWhatItWaitsFor() {
        node.on(
                "GET /api/v1/tasks/" + TASK,
                200,
                "{\"id\":\"" + TASK + "\",\"state\":\"blocked\"," + FIELDS + ",\"definition\":{\"type\":\"handler\"},"
                        + "\"calculatedPriority\":7.25,\"blockedBy\":[{\"id\":\"" + CHILD
                        + "\",\"name\":\"fetch\",\"state\":\"running\"}],\"blockedByCount\":3,\"blocks\":[],\"blocksCount\":0,"
                        + "\"attempts\":[{\"attempt\":1,\"outcome\":\"failed\",\"error\":\"exit code 3\"}]}");

        assertThat(command.run("task", "show", TASK)).as(command.err()).isZero();

        assertThat(command.out())
                .contains("waits for    " + CHILD + " running fetch", "and 2 more", "calculated 7.25", "exit code 3");
        assertThat(command.run("task", "show", "resize")).isEqualTo(2);
    }

    @Test
    void aTreeIsDrawn() {
        node.on(
                "GET /api/v1/tasks/" + TASK + "/tree?levels=3&limit=200",
                200,
                "{\"tasks\":[{\"level\":0,\"task\":" + READY + "},{\"level\":1,\"task\":{\"id\":\"" + CHILD
                        + "\",\"name\":\"child\",\"state\":\"blocked\",\"parentTaskId\":\"" + TASK
                        + "\"}}],\"isComplete\":false}");

        assertThat(command.run("task", "tree", TASK, "--levels", "3"))
                .as(command.err())
                .isZero();

        assertThat(command.out().lines().toList().get(1)).contains("- child blocked " + CHILD);
        assertThat(command.err()).contains("there are more");
    }

    @Test
    void whyATaskIsNotRunningIsSaid() {
        node.on("GET /api/v1/tasks/" + TASK + "/explain", 200, """
                {"taskId": "x", "state": "ready", "summary": "the queue 'mail' is paused",
                 "reasons": [{"kind": "queue_paused", "message": "the queue 'mail' is paused", "tasks": [], "until": null},
                             {"kind": "lock", "message": "the lock 'l' is held by h", "tasks": ["h"], "until": null}],
                 "place": {"queue": "mail", "ahead": 3, "latestStart": "2027-03-01T12:00:00Z", "priority": 7.5,
                           "calculatedPriority": 5.0}}
                """);

        assertThat(command.run("task", "explain", TASK)).as(command.err()).isZero();

        assertThat(command.out().lines())
                .containsExactly(
                        "ready: the queue 'mail' is paused",
                        "  also: the lock 'l' is held by h",
                        "  task: h",
                        "place in queue mail: 3 ahead, priority 7.5 (its own: 5.0), to start by 2027-03-01T12:00:00Z");
    }

    @Test
    void aTaskThatIsNotInLineIsNotToldItsPlace() {
        node.on("GET /api/v1/tasks/" + TASK + "/explain", 200, """
                {"taskId": "x", "state": "pending", "summary": "its time has not come", "reasons": [],
                 "place": {"queue": "mail", "ahead": null, "latestStart": null, "priority": 5.0, "calculatedPriority": 5.0}}
                """);

        assertThat(command.run("task", "explain", TASK)).as(command.err()).isZero();

        assertThat(command.out().lines()).contains("place in queue mail: not in line yet, priority 5.0 (its own: 5.0)");
    }

    @Test
    void aTaskIsPutOffByATimeOrUntilOne() {
        node.on("POST /api/v1/tasks/" + TASK + "/snooze", 200, "{\"notBefore\":\"2027-03-01T12:00:00Z\"}");

        assertThat(command.run("task", "snooze", TASK, "--for", "10m"))
                .as(command.err())
                .isZero();
        assertThat(lastPost()).isEqualTo("{\"for\":\"10m\"}");
        assertThat(command.out()).isEqualTo("the task does not begin before 2027-03-01T12:00:00Z\n");

        assertThat(command.run("task", "snooze", TASK, "--until", "2027-03-01T12:00Z"))
                .isZero();
        assertThat(lastPost()).isEqualTo("{\"notBefore\":\"2027-03-01T12:00:00Z\"}");
        assertThat(command.run("task", "snooze", TASK, "--until", "tomorrow")).isEqualTo(2);
        assertThat(command.err()).contains("--until 'tomorrow' is no time");
        assertThat(command.run("task", "snooze", TASK)).isEqualTo(2);
        assertThat(command.err()).contains("either --for or --until");
    }

    @Test
    void aTaskComesToWaitForAnotherOne() {
        node.on("POST /api/v1/tasks/" + TASK + "/dependencies", 200, "{\"state\":\"blocked\"}");

        assertThat(command.run("task", "depend", TASK, "--on", CHILD))
                .as(command.err())
                .isZero();

        assertThat(lastPost()).isEqualTo("{\"prerequisiteTaskId\":\"" + CHILD + "\"}");
        assertThat(command.out()).isEqualTo("the task is blocked\n");
        assertThat(command.run("task", "depend", TASK, "--on", "x")).isEqualTo(2);
    }

    @Test
    void howUrgentATaskIsIsChanged() {
        node.on(
                "PATCH /api/v1/tasks/" + TASK,
                200,
                "{\"state\":\"blocked\",\"priority\":9,\"deadline\":\"2026-12-24T18:00:00Z\"}");

        assertThat(command.run("task", "set", TASK, "--priority", "9", "--deadline", "2026-12-24T18:00Z"))
                .as(command.err())
                .isZero();

        var patch = node.requests().getLast();
        assertThat(patch.body()).isEqualTo("{\"priority\":9,\"deadline\":\"2026-12-24T18:00:00Z\"}");
        assertThat(command.out()).isEqualTo("the task is blocked, of priority 9, to end by 2026-12-24T18:00:00Z\n");
        assertThat(command.run("task", "set", TASK, "--priority", "0")).isZero();
        assertThat(node.requests().getLast().body()).isEqualTo("{\"priority\":0}");
    }

    @Test
    void aDeadlineIsTakenAway() {
        node.on("PATCH /api/v1/tasks/" + TASK, 200, READY);

        assertThat(command.run("task", "set", TASK, "--deadline", "none"))
                .as(command.err())
                .isZero();

        assertThat(node.requests().getLast().body()).isEqualTo("{\"deadline\":null}");
        assertThat(command.out()).isEqualTo("the task is ready, of priority 7, without a deadline\n");
    }

    @Test
    void whatIsToBeChangedIsSaidBeforeTheNodeIsAsked() {
        assertThat(command.run("task", "set", TASK)).isEqualTo(2);
        assertThat(command.err()).contains("it is not said what to change");
        assertThat(command.run("task", "set", TASK, "--deadline", "soon")).isEqualTo(2);
        assertThat(command.err()).contains("--deadline 'soon' is no time");
        assertThat(command.run("task", "set", "resize", "--priority", "1")).isEqualTo(2);
        assertThat(command.run("task", "set", TASK, "--priority", "high")).isEqualTo(2);
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void howManyTasksWaitIsTold() {
        node.on("GET /api/v1/queue/stats", 200, """
                {"states": [{"state": "ready", "count": 3}, {"state": "blocked", "count": 12}], "oldestReadySeconds": 75.5,
                 "queues": [{"queue": "mail", "state": "ready", "priority": 7, "count": 3, "oldestReadySeconds": 75.5},
                            {"queue": null, "state": "blocked", "priority": 5, "count": 12, "oldestReadySeconds": null}],
                 "throughput": [{"windowSeconds": 60, "submitted": 20, "completed": 4, "failed": 1, "cancelled": 0, "isComplete": false}],
                 "isComplete": false}
                """);

        assertThat(command.run("task", "stats")).as(command.err()).isZero();

        assertThat(command.out().lines())
                .containsExactly(
                        "ready      3",
                        "blocked    12",
                        "the oldest that is ready waits for 1m 15s",
                        "",
                        "QUEUE  STATE    PRIORITY  COUNT  OLDEST",
                        "mail   ready           7      3  1m 15s",
                        "-      blocked         5     12  -",
                        "",
                        "IN THE LAST  SUBMITTED  COMPLETED  FAILED  CANCELLED",
                        "1m 00s              20          4       1          0");
        assertThat(command.err()).contains("there are more", "older ones may have ended too");
    }

    @Test
    void whatIsWrongIsToldByTheFieldAndNotByItsPlaceInWhatIsSent() {
        var refusal = "{\"code\":\"VALIDATION_ERROR\",\"message\":\"the body has 1 problem\",\"details\":[{\"code\":"
                + "\"OUT_OF_RANGE\",\"line\":1,\"column\":2,\"path\":\"priority\",\"message\":\"11 is out of range\",\"help\":null}]}";
        node.on("PATCH /api/v1/tasks/" + TASK, 400, refusal);
        node.on("POST /api/v1/tasks", 400, refusal);

        assertThat(command.run("task", "set", TASK, "--priority", "11")).isEqualTo(4);
        assertThat(command.run("task", "submit", "--shell", "true", "--priority", "11"))
                .isEqualTo(4);

        assertThat(command.err().split("priority 11 is out of range", -1)).hasSize(3);
        assertThat(command.err()).doesNotContain("1:2");
    }

    @Test
    void aTaskIsCancelledAndTriedAgain() {
        node.on("POST /api/v1/tasks/" + TASK + "/cancel", 202, DONE);
        node.on("POST /api/v1/tasks/" + TASK + "/retry", 200, READY);

        assertThat(command.run("task", "cancel", TASK)).as(command.err()).isZero();
        assertThat(command.run("task", "retry", TASK)).as(command.err()).isZero();

        assertThat(command.out())
                .isEqualTo("the task had already completed; its children are cancelled\nthe task is ready\n");
        assertThat(command.run("task", "retry", TASK, "--output", "json")).isZero();
        assertThat(command.out()).endsWith(READY + "\n");
        assertThat(command.run("task", "cancel", "resize")).isEqualTo(2);
    }

    @Test
    void whatATaskPrintedIsPrinted() {
        node.on("GET /api/v1/tasks/" + TASK + "/logs", 200, "hello");

        assertThat(command.run("task", "logs", TASK)).as(command.err()).isZero();
        assertThat(command.out()).isEqualTo("hello\n");
    }
}
