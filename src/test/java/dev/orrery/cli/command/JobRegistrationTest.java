package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.cli.CommandRun;
import dev.orrery.cli.StubNode;
import dev.orrery.cli.client.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Registering jobs one by one, and from a crontab. */
@SuppressWarnings("OrphanedFormatString") // Percent signs mean something else to cron and to shells.
class JobRegistrationTest extends ServerCommandsTestBase {

    private static final String NEXT = """
            [{"at":"2026-01-31T05:30:00.000000Z","local":"2026-01-31T06:30:00","offset":"+01:00","clockChange":null,"meant":null}]""";

    private static final String CRONTAB = """
            MAILTO=ops
            HOME=/srv
            # Nightly report
            0 3 * * * report --day $(date +\\%F)
            CRON_TZ=Asia/Tokyo
            @daily cat%hello
            """;

    private final AtomicInteger made = new AtomicInteger();

    @BeforeEach
    void aNodeThatRegistersJobs() {
        node.on("POST /api/v1/jobs", exchange -> {
            var id = "job-" + made.incrementAndGet();
            StubNode.send(exchange, 201, "{\"id\":\"" + id + "\",\"name\":\"n\"}");
        });
        for (var n = 1; n <= 9; n++) {
            node.on("GET /api/v1/jobs/job-" + n + "/next?count=3", 200, NEXT);
            node.on("GET /api/v1/jobs/job-" + n + "/next?count=1", 200, NEXT);
        }
        node.on("GET /api/v1/jobs?tag=crontab&limit=500", 200, "{\"items\":[],\"nextCursor\":null}");
    }

    private List<StubNode.Request> posts() {
        return node.requests().stream()
                .filter(request -> request.method().equals("POST"))
                .toList();
    }

    private int create(String... options) {
        var arguments = new ArrayList<>(List.of("job", "create", "--name", "n"));
        arguments.addAll(List.of(options));
        return command.run(arguments.toArray(String[]::new));
    }

    @Test
    void aJobIsRegisteredAndItsNextTimesTold() {
        assertThat(create("--cron", "30 6 * * *", "--shell", "echo"))
                .as(command.err())
                .isZero();

        assertThat(posts().getFirst().body()).isEqualTo("""
                {"name":"n","type":"cron","schedule":"30 6 * * *","handlerName":"shell","payload":{"command":"echo"}}""");
        assertThat(command.out()).isEqualTo("""
                ok: registered n: job job-1
                LOCAL                OFFSET  UTC                   WHEN       NOTE
                2026-01-31 06:30:00  +01:00  2026-01-31T05:30:00Z  in 3h 29m
                """);
        assertThat(command.err()).contains("orrery job history job-1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "--every 90s --times 3 --shell x | \"type\":\"recurring\",\"interval\":\"90s\",\"maxExecutions\":3",
                "--cron @daily --times 3 --shell x | \"type\":\"recurring\",\"schedule\":\"@daily\",\"maxExecutions\":3",
                "--cron @daily --timezone Europe/Berlin --start 2026-07-01 --until 2026-08-01T00:00Z --shell x | \"type\":\"recurring\",\"schedule\":\"@daily\",\"timezone\":\"Europe/Berlin\",\"startAt\":\"2026-06-30T22:00:00Z\",\"endAt\":\"2026-08-01T00:00:00Z\"",
                "--cron @daily --exclude 2026-12-25 --exclude 2026-12-26 --shell x | \"type\":\"cron\",\"schedule\":\"@daily\",\"excludedDates\":[\"2026-12-25\",\"2026-12-26\"]",
                "--at 2026-12-24T18:00 --timezone Europe/Berlin --shell x | \"type\":\"one_time\",\"timezone\":\"Europe/Berlin\",\"runAt\":\"2026-12-24T17:00:00Z\"",
                "--cron @daily --http https://example.org/ --method POST --payload {\"body\":1.50} | \"handlerName\":\"http\",\"payload\":{\"body\":1.50,\"url\":\"https://example.org/\",\"method\":\"POST\"}",
                "--cron @daily --function echo --payload {\"a\":1} | \"handlerName\":\"echo\",\"payload\":{\"a\":1}",
                "--cron @daily --function echo | \"handlerName\":\"echo\"}",
                "--cron @daily --agent resize --payload {} | \"handlerType\":\"agent\",\"handlerName\":\"resize\",\"payload\":{}",
                "--cron @daily --dag nightly --payload @params.json | \"handlerType\":\"workflow\",\"handlerName\":\"nightly\",\"payload\":{\"from\":\"a file\"}",
                "--cron @daily --shell x --retries 0 --retry-delay 2s --timeout 1h30m --priority high --misfire fire_all --overlap queue_one --created-by ann --metadata {\"k\":1} --tag a --tag b | \"misfire\":\"fire_all\",\"overlap\":\"queue_one\",\"maxRetries\":0,\"retryDelayMs\":2000,\"timeoutMs\":5400000,\"priority\":\"high\",\"createdBy\":\"ann\",\"metadata\":{\"k\":1},\"tags\":[\"a\",\"b\"]"
            })
    void everyOptionIsAFieldOfTheJob(String options, String fields) throws IOException {
        Files.writeString(folder.resolve("params.json"), "{\"from\": \"a file\"}");

        assertThat(create(options.split(" "))).as(command.err()).isZero();

        assertThat(posts().getFirst().body()).contains(fields);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--shell x                                  | a job must know when it fires",
                "--cron @daily                              | a job must know what it does",
                "--cron @daily --every 1h --shell x         | it is said more than once when it fires",
                "--cron @daily --dag d --shell x            | it is said more than once what it does",
                "--cron @daily --shell x --method POST      | --method goes with --http",
                "--at soon --shell x                        | --at 'soon' is no time",
                "--cron @daily --shell x --timeout long     | --timeout 'long' is no duration",
                "--cron @daily --shell x --payload [1]      | --payload is no JSON object",
                "--cron @daily --shell x --metadata {       | --metadata is no JSON object",
                "--cron @daily --shell x --overlap maybe    | maybe"
            })
    void whatDoesNotFitTogetherIsSaidBeforeANodeIsAsked(String options, String complaint) {
        assertThat(create(options.split(" +"))).isEqualTo(2);
        assertThat(command.err()).contains(complaint);
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void whatTheNodeFindsWrongIsToldByTheOptionItCameFrom() {
        node.on("POST /api/v1/jobs", 400, """
                {"code":"VALIDATION_ERROR","message":"the job has problems","details":[
                 {"code":"BAD_CRON","path":"schedule","message":"its minute '61' is wrong"},
                 {"code":"INVALID_VALUE","path":"excludedDates[1]","message":"no date"},
                 {"code":"BLANK_TEXT","path":"payload.command","message":"is blank"},
                 {"code":"UNKNOWN_FIELD","path":"payload.x","message":"unknown field"}]}""");

        assertThat(create("--cron", "61 * * * *", "--shell", " ")).isEqualTo(4);
        assertThat(command.err())
                .contains("  --cron its minute '61' is wrong\n")
                .contains("  --exclude no date\n")
                .contains("  --shell is blank\n")
                .contains("  --payload.x unknown field\n");
    }

    @Test
    void aScheduleWithANameIsNotTakenForAFileThatLiesThere() {
        assertThat(Path.of("pom.xml")).exists();

        assertThat(create("--cron", "@pom.xml", "--shell", "x"))
                .as(command.err())
                .isZero();

        assertThat(posts().getFirst().body()).contains("\"schedule\":\"@pom.xml\"");
    }

    private int imported(String... more) throws IOException {
        Files.writeString(folder.resolve("my.crontab"), CRONTAB);
        var arguments = new ArrayList<>(List.of("job", "import", "crontab", "my.crontab", "--timezone", "UTC"));
        arguments.addAll(List.of(more));
        return command.run(arguments.toArray(String[]::new));
    }

    @Test
    void aDryRunShowsWhatWouldBeMadeAndAsksNoNode() throws IOException {
        assertThat(imported("--dry-run")).as(command.err()).isZero();

        assertThat(command.out()).isEqualTo("""
                LINE  TIMES      NEXT                  NAME                  COMMAND
                   4  0 3 * * *  2026-01-31T03:00:00Z  Nightly report        report --day $(date +%F)
                   6  @daily     2026-01-31T15:00:00Z  crontab:my.crontab:6  cat
                line 4: not carried over: MAILTO=ops
                line 6: not carried over: MAILTO=ops
                line 6: what follows the % is given to the command on its standard input
                """);
        assertThat(command.err())
                .contains("times are those of UTC; --timezone changes that")
                .contains("nothing was made")
                .doesNotContain("HOME");
        assertThat(node.requests()).isEmpty();
        var json = new CommandRun().in(folder);
        assertThat(json.run("job", "import", "crontab", "my.crontab", "--timezone", "UTC", "--dry-run", "-o", "json"))
                .isZero();
        assertThat(JsonObject.parseList(json.out()).getLast().json("notCarriedOver"))
                .hasValue("[\"MAILTO=ops\"]");
    }

    @Test
    void eachLineBecomesAJobThatRunsAsUnderCron() throws IOException {
        assertThat(imported()).as(command.err()).isZero();

        assertThat(posts()).hasSize(2);
        assertThat(posts().getFirst().body()).isEqualTo("""
                {"name":"Nightly report","type":"cron","schedule":"0 3 * * *","timezone":"UTC","handlerName":"shell",\
                "payload":{"command":"report --day $(date +%F)","env":{"HOME":"/srv"},"workingDirectory":"/srv"},\
                "maxRetries":0,"timeoutMs":2592000000,"misfire":"skip","overlap":"allow","tags":["crontab"]}""");
        assertThat(posts().getLast().body())
                .contains("\"timezone\":\"Asia/Tokyo\"")
                .contains("printf '%s\\\\n' 'hello' | '/bin/sh' -c 'cat'");
        assertThat(command.out())
                .contains("LINE  RESULT   NEXT                  ID     NAME\n")
                .contains("   6  created  2026-01-31T05:30:00Z  job-2  n\n")
                .contains("line 4: not carried over: MAILTO=ops\n");
        assertThat(command.err()).contains("cron runs them too");
    }

    @Test
    void theKeyOfALineIsTheSameForTheSameFileAndAnotherForEachLine() throws IOException {
        assertThat(imported()).isZero();
        node.on("GET /api/v1/jobs?tag=crontab&limit=500", 200, "{\"items\":[{\"id\":\"job-3\"}],\"nextCursor\":null}");
        assertThat(imported("-o", "json")).isZero();

        var keys = posts().stream()
                .map(request -> request.header("Idempotency-key"))
                .toList();
        assertThat(keys.subList(2, 4)).isEqualTo(keys.subList(0, 2));
        assertThat(keys.getFirst()).startsWith("crontab-").isNotEqualTo(keys.getLast());
        assertThat(command.out()).contains("\"result\":\"unchanged\"").contains("\"result\":\"created\"");
    }

    @Test
    void aJobThatWasDeletedSinceIsMadeAnew() throws IOException {
        node.on("POST /api/v1/jobs", exchange -> {
            var first = made.incrementAndGet() == 1;
            StubNode.send(
                    exchange,
                    first ? 404 : 201,
                    first
                            ? "{\"code\":\"JOB_NOT_FOUND\",\"message\":\"no job\",\"details\":[]}"
                            : "{\"id\":\"job-" + made.get() + "\",\"name\":\"n\"}");
        });
        node.on("GET /api/v1/jobs/job-2/next?count=1", 404, "{\"code\":\"JOB_NOT_FOUND\",\"message\":\"no job\"}");

        assertThat(imported()).as(command.err()).isZero();

        assertThat(posts()).hasSize(4);
        assertThat(posts().subList(0, 3).stream().map(StubNode.Request::body).distinct())
                .hasSize(1);
        assertThat(posts().stream().map(request -> request.header("Idempotency-key")))
                .doesNotHaveDuplicates();
        assertThat(command.out()).contains(" job-3 ").contains(" job-4 ");
    }

    @Test
    void nothingIsMadeWhereALineIsWrong() {
        command.reading("@daily fine\n@reboot x\n61 * * * * y\n");

        assertThat(command.run("job", "import", "crontab", "-")).isEqualTo(4);
        assertThat(command.err())
                .contains("<stdin> has 2 lines that no job can be made of; none was made")
                .contains("  2:1 @reboot is no time")
                .contains("  3:1 its minute '61' is wrong");
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void aSystemFileHasUsersWhichAreNotCarriedOver() {
        command.reading("@daily root clean\n");

        assertThat(command.run("job", "import", "crontab", "-", "--system", "--dry-run", "--timezone", "UTC"))
                .isZero();
        assertThat(command.out())
                .contains("crontab:stdin:1  clean\n")
                .contains("line 1: not carried over: the user root: it runs as the user of the node\n");
        assertThat(command.err()).contains("without a line HOME=FOLDER");
    }

    @Test
    void aFileWithoutLinesAndOneThatIsNoTextSaySo() throws IOException {
        command.reading("# nothing\n");
        assertThat(command.run("job", "import", "crontab", "-")).isZero();
        assertThat(command.out()).isEqualTo("no line with a schedule in <stdin>\n");

        Files.write(folder.resolve("binary"), new byte[] {(byte) 0xff, 0, 1});
        assertThat(command.run("job", "import", "crontab", "binary")).isEqualTo(4);
        assertThat(command.run("job", "import", "crontab", "-", "--timezone", "Mars"))
                .isEqualTo(2);
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void aRefusalInTheMiddleTellsHowFarItCame() throws IOException {
        node.on("POST /api/v1/jobs", exchange -> {
            var first = made.incrementAndGet() == 1;
            StubNode.send(
                    exchange,
                    first ? 201 : 400,
                    first ? "{\"id\":\"job-1\"}" : "{\"code\":\"VALIDATION_ERROR\",\"message\":\"no\",\"details\":[]}");
        });

        assertThat(imported()).isEqualTo(4);
        assertThat(command.err()).contains("line 6 could not be imported; 1 of 2 were before it");
    }
}
