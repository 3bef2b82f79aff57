package dev.orrery.dagfile;

import static dev.orrery.dagfile.DagFiles.problems;
import static dev.orrery.dagfile.DagFiles.task;
import static dev.orrery.dagfile.DagFiles.valid;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType.Handler;
import dev.orrery.domain.dag.TaskType.Http;
import dev.orrery.domain.dag.TaskType.Python;
import dev.orrery.domain.dag.TaskType.PythonSource.Code;
import dev.orrery.domain.dag.TaskType.PythonSource.Script;
import dev.orrery.domain.dag.TaskType.Shell;
import dev.orrery.domain.task.FailureRule;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.RetryRules;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The fields of a file: what they mean, and what is said where they are wrong. */
class DagFileParserTest {

    private static final String NIGHTLY_REPORT = """
            name: nightly-report
            description: Builds the nightly report
            schedule: "0 2 * * *"
            timezone: Europe/Berlin
            tasks:
              - id: extract
                type: shell
                workingDirectory: reports
                command: ./extract.sh "$REGION"
                env: { REGION: eu }
                timeout: 10m
                retry: { maxAttempts: 5, initialDelay: 2s, maxDelay: 1m, backoffMultiplier: 2.0 }
              - id: enrich
                type: http
                method: POST
                url: https://example.org/enrich
                headers: { Content-Type: application/json }
                body: { day: today }
                dependencies: [extract]
              - id: report
                type: python
                script: reports/report.py
                args: ["--format", "pdf"]
                virtualEnv: /opt/venvs/report
                dependencies: [extract, enrich]
              - id: publish
                name: Publish it
                type: handler
                handler: echo
                input: { channel: reports }
                priority: 9
                queue: slow
                dependencies: [report]
            """;

    @Test
    void everyFieldOfEveryTypeIsRead() {
        var draft = valid(NIGHTLY_REPORT);

        assertThat(draft.name()).contains("nightly-report");
        assertThat(draft.description()).contains("Builds the nightly report");
        assertThat(draft.schedule()).contains("0 2 * * *");
        assertThat(draft.timezone()).isEqualTo("Europe/Berlin");
        assertThat(draft.tasks())
                .containsExactly(
                        new TaskDefinition(
                                new TaskId("extract"),
                                "extract",
                                new Shell("./extract.sh \"$REGION\"", Map.of("REGION", "eu"), Optional.of("reports")),
                                Duration.ofMinutes(10),
                                new RetryPolicy(5, Duration.ofSeconds(2), Duration.ofMinutes(1), 2.0, 0.1),
                                Set.of(),
                                5,
                                "default"),
                        new TaskDefinition(
                                new TaskId("enrich"),
                                "enrich",
                                new Http(
                                        "POST",
                                        "https://example.org/enrich",
                                        Map.of("Content-Type", "application/json"),
                                        Optional.of(new Json("{\"day\":\"today\"}"))),
                                Duration.ofMinutes(30),
                                RetryPolicy.DEFAULT,
                                Set.of(new TaskId("extract")),
                                5,
                                "default"),
                        new TaskDefinition(
                                new TaskId("report"),
                                "report",
                                new Python(
                                        new Script("reports/report.py"),
                                        List.of("--format", "pdf"),
                                        Map.of(),
                                        Optional.of("/opt/venvs/report"),
                                        Optional.empty()),
                                Duration.ofMinutes(30),
                                RetryPolicy.DEFAULT,
                                Set.of(new TaskId("extract"), new TaskId("enrich")),
                                5,
                                "default"),
                        new TaskDefinition(
                                new TaskId("publish"),
                                "Publish it",
                                new Handler("echo", new Json("{\"channel\":\"reports\"}")),
                                Duration.ofMinutes(30),
                                RetryPolicy.DEFAULT,
                                Set.of(new TaskId("report")),
                                9,
                                "slow"));
    }

    @Test
    void whatIsLeftOutHasItsDefault() {
        var draft = valid("tasks: [{id: a, type: http, url: 'http://x'}, {id: b, type: python, code: pass}]");

        assertThat(draft.name()).isEmpty();
        assertThat(draft.schedule()).isEmpty();
        assertThat(draft.timezone()).isEqualTo("UTC");
        assertThat(draft.tasks().getFirst().type()).isEqualTo(new Http("GET", "http://x", Map.of(), Optional.empty()));
        assertThat(draft.tasks().getLast().type())
                .isEqualTo(new Python(new Code("pass"), List.of(), Map.of(), Optional.empty(), Optional.empty()));
    }

    @Test
    void retryPolicyIsAnotherNameOfRetry() {
        var draft = valid(task("type: shell, command: x, retryPolicy: {maxAttempts: 1, jitter: 0}"));

        assertThat(draft.tasks().getFirst().retry())
                .isEqualTo(new RetryPolicy(1, Duration.ofSeconds(1), Duration.ofMinutes(5), 2.0, 0));
    }

    @Test
    void kindsOfFailuresAreReadAsTheyAreWritten() {
        var draft = valid(
                task("type: shell, command: x, retry: {retryOn: [timeout, exit:75, http:5xx], giveUpOn: [error]}"));

        assertThat(draft.tasks().getFirst().retry().rules())
                .isEqualTo(new RetryRules(
                        List.of(new FailureRule("timeout"), new FailureRule("exit:75"), new FailureRule("http:5xx")),
                        List.of(new FailureRule("error"))));
    }

    @Test
    void allWrongKindsOfFailuresAreToldAtOnce() {
        var problems = problems(
                task(
                        "type: shell, command: x, retry: {retryOn: [timout, exit:300, 5, lost], giveUpOn: [], retyOn: [exit]}"));

        assertThat(problems)
                .extracting(problem -> problem.code() + " " + problem.path() + " "
                        + problem.help().orElse(""))
                .containsExactlyInAnyOrder(
                        "INVALID_VALUE tasks[0].retry.retryOn[0] did you mean 'timeout'?",
                        "INVALID_VALUE tasks[0].retry.retryOn[1] write " + FailureRule.FORMS,
                        "WRONG_TYPE tasks[0].retry.retryOn[2] put it in quotes: \"5\"",
                        "INVALID_VALUE tasks[0].retry.retryOn[3] leave it out: a task whose node is lost is tried again by"
                                + " itself, and nothing is charged for it",
                        "INVALID_VALUE tasks[0].retry.giveUpOn leave it out; 'maxAttempts: 1' never tries again",
                        "UNKNOWN_FIELD tasks[0].retry.retyOn did you mean 'retryOn'?");
    }

    @Test
    void variablesHeadersAndArgumentsAreTakenAsWritten() {
        var draft = valid("""
                tasks:
                  - {id: a, type: shell, command: x, env: {A: no, B: 007, C: 1.50, D: true, E: , F: ~, G: 2026-01-01}}
                  - {id: b, type: http, url: 'http://x', headers: {X-Count: 010, X-Flag: off}}
                  - {id: c, type: python, code: x, args: [1, 007, yes, 1e3]}
                """);

        assertThat(draft.tasks().get(0).type())
                .isEqualTo(new Shell(
                        "x",
                        Map.of("A", "no", "B", "007", "C", "1.50", "D", "true", "E", "", "F", "~", "G", "2026-01-01"),
                        Optional.empty()));
        assertThat(((Http) draft.tasks().get(1).type()).headers())
                .containsExactly(Map.entry("X-Count", "010"), Map.entry("X-Flag", "off"));
        assertThat(((Python) draft.tasks().get(2).type()).args()).containsExactly("1", "007", "yes", "1e3");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "text            | \"text\"",
                "\"a\\\"b\\n\"   | \"a\\\"b\\n\"",
                "no              | \"no\"",
                "2026-01-01      | \"2026-01-01\"",
                "1:30            | \"1:30\"",
                "1_000           | \"1_000\"",
                "~               | null",
                "Null            | null",
                "True            | true",
                "FALSE           | false",
                "12              | 12",
                "+12             | 12",
                "-0              | 0",
                "0               | 0",
                "0o17            | 15",
                "0x1F            | 31",
                "123456789012345678901234567890 | 123456789012345678901234567890",
                "1.5             | 1.5",
                ".5              | 0.5",
                "-.5             | -0.5",
                "1.              | 1.0",
                "1.e3            | 1.0e3",
                "+1.50           | 1.50",
                "0.0e99999       | 0.0",
                "1e3             | 1e3",
                "'1'             | \"1\"",
                "[a, [1, {}], []] | [\"a\",[1,{}],[]]",
                "{b: 1, a: {1: x}} | {\"b\":1,\"a\":{\"1\":\"x\"}}",
                "\"\\U0001F600\" | \"😀\"",
            })
    void inputIsJsonOfAnyShape(String yaml, String json) {
        var draft = valid("tasks: [{id: a, type: handler, handler: echo, input: " + yaml + "}]");

        assertThat(draft.tasks().getFirst().type()).isEqualTo(new Handler("echo", new Json(json)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                ".nan       | NOT_JSON",
                "-.inf      | NOT_JSON",
                "007        | AMBIGUOUS_VALUE",
                "-01.5      | AMBIGUOUS_VALUE",
                "1e999      | OUT_OF_RANGE",
                "1e-999     | OUT_OF_RANGE",
                "\"a\\0b\"  | BAD_CHARACTER",
                "\"\\uD800\" | BAD_CHARACTER",
                "{\"\\0\": 1} | BAD_CHARACTER",
            })
    void whatJsonCannotHoldIsRefused(String yaml, String code) {
        var problems = problems("tasks: [{id: a, type: handler, handler: echo, input: {x: " + yaml + "}}]");

        assertThat(problems).extracting(Problem::code).containsExactly(code);
    }

    @Test
    void allProblemsComeAtOnceInTheOrderOfTheirPlaces() {
        var problems = problems("""
                nmae: x
                schedule: "0 0 30 2 *"
                timezone: Europe/Berln
                tasks:
                  - id: a
                    type: shell
                    comand: echo
                    timeout: 30
                    dependencies: [c, b2]
                  - id: b
                    type: http
                    url: ftp://x
                    command: x
                    dependencies: [a, a, b]
                  - id: c
                    type: handler
                    handler: echo
                    retry: { maxAttempts: 0 }
                    retryPolicy: {}
                    dependencies: [b]
                  - id: a
                    type: bash
                    priority: high
                """);

        assertThat(problems)
                .extracting(problem ->
                        problem.line() + ":" + problem.column() + " " + problem.code() + " " + problem.path())
                .containsExactly(
                        "1:1 UNKNOWN_FIELD nmae",
                        "2:11 BAD_CRON schedule",
                        "3:11 BAD_TIMEZONE timezone",
                        "5:5 MISSING_FIELD tasks[0].command",
                        "7:5 UNKNOWN_FIELD tasks[0].comand",
                        "8:14 BAD_DURATION tasks[0].timeout",
                        "9:20 CYCLE tasks[0].dependencies[0]",
                        "9:23 UNKNOWN_DEPENDENCY tasks[0].dependencies[1]",
                        "12:10 BAD_URL tasks[1].url",
                        "13:5 UNKNOWN_FIELD tasks[1].command",
                        "14:23 DUPLICATE_DEPENDENCY tasks[1].dependencies[1]",
                        "14:26 SELF_DEPENDENCY tasks[1].dependencies[2]",
                        "18:27 OUT_OF_RANGE tasks[2].retry.maxAttempts",
                        "19:18 CONFLICTING_FIELDS tasks[2].retryPolicy",
                        "21:9 DUPLICATE_ID tasks[3].id",
                        "22:11 UNKNOWN_TYPE tasks[3].type",
                        "23:15 WRONG_TYPE tasks[3].priority");
        assertThat(problems)
                .extracting(problem -> problem.help().orElse(""))
                .contains(
                        "did you mean 'name'?",
                        "did you mean 'Europe/Berlin'?",
                        "did you mean 'command'?",
                        "write 30s for seconds, or ms, m, h, d",
                        "did you mean 'b'?",
                        "did you mean 'shell'?");
        assertThat(problems)
                .extracting(Problem::message)
                .contains(
                        "the dependencies form a cycle: a -> b -> c -> a",
                        "the field 'command' belongs to shell tasks; this one is http");
    }

    @Test
    void onlyTheFirstProblemsAreShownAndTheRestIsCounted() {
        var fields = IntStream.range(0, 20_000).mapToObj(n -> "x" + n + ": 1\n").collect(joining());

        var problems = problems(fields + task("type: shell, command: x"));

        assertThat(problems).hasSize(Problems.MAX_SHOWN + 1);
        assertThat(problems.getLast().code()).isEqualTo("TOO_MANY_PROBLEMS");
        assertThat(problems.getLast().message()).isEqualTo("and 19900 more problems");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "type: shell, command: x, depends_on: [a]      | UNKNOWN_FIELD | did you mean 'dependencies'?",
                "type: shell, command: x, working_directory: y | UNKNOWN_FIELD | did you mean 'workingDirectory'?",
                "type: shell, command: x, zzz: y               | UNKNOWN_FIELD | known here: id, name, type",
                "type: shell                                   | MISSING_FIELD | command: ./extract.sh",
                "command: x                                    | MISSING_FIELD | type: shell",
                "type: http                                    | MISSING_FIELD | https://example.org/",
                "type: python                                  | MISSING_FIELD | code: |",
                "type: handler                                 | MISSING_FIELD | handler: echo",
                "type: shel, command: x                        | UNKNOWN_TYPE  | 'shell'",
                "type: quantum                                 | UNKNOWN_TYPE  | known are shell, http, python, handler",
                "type: shell, command: [x]                     | WRONG_TYPE    | write one text here",
                "type: shell, command: 12                      | WRONG_TYPE    | in quotes: \"12\"",
                "type: shell, command:                         | WRONG_TYPE    | leave the field out",
                "type: shell, command: ' '                     | BLANK_TEXT    | what is to be run",
                "type: shell, command: x, name: ''             | BAD_NAME      | short name",
                "type: shell, command: x, name: \"a\\e[1m\"    | BAD_NAME      | short name",
                "type: shell, command: x, queue: a b           | BAD_QUEUE     | 'default'",
                "type: shell, command: x, workingDirectory: '' | BAD_PATH      | path on the node",
                "type: shell, command: x, env: [A=b]           | WRONG_TYPE    | key: value",
                "type: shell, command: x, env: {A: [b]}        | WRONG_TYPE    | one text",
                "type: shell, command: x, env: {A: '${{ secrets.a-b }}'} | BAD_SECRET | ${{ secrets.NAME }}",
                "type: shell, command: x, env: {A: '${{ secrets.A }'} | BAD_SECRET | ${{ secrets.NAME }}",
                "type: shell, command: 'x ${{ secrets.A }}'    | BAD_SECRET    | name it in 'env'",
                "type: python, code: 'x ${{ secrets.A }}'      | BAD_SECRET    | os.environ",
                "type: python, code: x, args: ['${{secrets.A}}'] | BAD_SECRET  | every process",
                "type: http, url: 'http://x', headers: {A: '${{ secrets.1 }}'} | BAD_SECRET | ${{ secrets.NAME }}",
                "type: http, url: 'http://x', body: {a: '${{ secrets. }}'} | BAD_SECRET | ${{ secrets.NAME }}",
                "type: handler, handler: echo, input: {a: '${{ secrets.A }}'} | BAD_SECRET | the handler find",
                "type: shell, command: x, env: {'A=B': c}      | BAD_VARIABLE  | another name",
                "type: shell, command: x, env: {a b: c}        | BAD_VARIABLE  | letters, digits",
                "type: shell, command: x, env: {a.b: c}        | BAD_VARIABLE  | letters, digits",
                "type: shell, command: x, env: {ORRERY_API: c} | BAD_VARIABLE  | another name",
                "type: shell, command: x, dependencies: a      | WRONG_TYPE    | [a, b]",
                "type: shell, command: x, dependencies: [1]    | WRONG_TYPE    | \"1\"",
                "type: shell, command: x, timeout: 30          | BAD_DURATION  | 30s",
                "type: shell, command: x, timeout: '30'        | BAD_DURATION  | 30s",
                "type: shell, command: x, timeout: soon        | BAD_DURATION  | 1h30m",
                "type: shell, command: x, timeout: true        | WRONG_TYPE    | 30s",
                "type: shell, command: x, timeout: 9ms         | OUT_OF_RANGE  | 10ms to 30d",
                "type: shell, command: x, timeout: 30d1ms      | OUT_OF_RANGE  | 10ms to 30d",
                "type: shell, command: x, timeout: 99999999999999999999d | OUT_OF_RANGE | 30d",
                "type: shell, command: x, priority: 11         | OUT_OF_RANGE  | 0 to 10",
                "type: shell, command: x, priority: -1         | OUT_OF_RANGE  | 0 to 10",
                "type: shell, command: x, priority: 1.5        | WRONG_TYPE    | a whole number",
                "type: shell, command: x, priority: 99999999999999999999 | OUT_OF_RANGE | 0 to 10",
                "type: shell, command: x, retry: {maxAttempts: 101}      | OUT_OF_RANGE | 1 to 100",
                "type: shell, command: x, retry: {initialDelay: 30d1ms}  | OUT_OF_RANGE | 0s to 30d",
                "type: shell, command: x, retry: {maxDelay: 30d1ms}      | OUT_OF_RANGE | 0s to 30d",
                "type: shell, command: x, retry: {backoffMultiplier: .5} | OUT_OF_RANGE | 1 to 10",
                "type: shell, command: x, retry: {jitter: 1.01}          | OUT_OF_RANGE | 0 to 1",
                "type: shell, command: x, retry: {jitter: .nan}          | WRONG_TYPE   | a number",
                "type: shell, command: x, retry: {maxRetries: 3}         | UNKNOWN_FIELD | maxAttempts",
                "type: shell, command: x, retry: 3             | WRONG_TYPE    | key: value",
                "type: python, script: a, code: b              | CONFLICTING_FIELDS | remove one",
                "type: python, script: a, args: x              | WRONG_TYPE    | [a, b]",
                "type: python, script: a, args: [[x]]          | WRONG_TYPE    | one text",
                "type: http, url: 'http://x', method: get      | BAD_METHOD    | capital",
                "type: http, url: x                            | BAD_URL       | https://example.org/path",
                "type: http, url: 'http://'                    | BAD_URL       | https://example.org/path",
                "type: http, url: 'http://a b/'                | BAD_URL       | https://example.org/path",
                "type: http, url: 'http://x:70000/'            | BAD_URL       | https://example.org/path",
                "type: http, url: 'http://me:secret@x/'        | BAD_URL       | https://example.org/path",
                "type: http, url: 'http://x/${ORRERY_PARAMS}'  | BAD_URL       | ${ORRERY_API}",
                "type: http, url: 'http://x', headers: {a b: c}      | BAD_HEADER | letters",
                "type: http, url: 'http://x', headers: {A: \"b\\nc\"} | BAD_HEADER | one line",
                "type: http, url: 'http://x', headers: {A: żółw}     | BAD_HEADER | encode other characters",
                "type: http, url: 'http://x', headers: {A: b, a: c}  | BAD_HEADER | one of the two",
                "type: handler, handler: 'a b'                 | BAD_HANDLER   | noop, echo",
            })
    void aWrongFieldOfATaskIsNamedWithItsCure(String fields, String code, String help) {
        var problems = problems(task(fields));

        assertThat(problems).extracting(Problem::code).containsExactly(code);
        assertThat(problems.getFirst().help().orElseThrow()).contains(help);
        assertThat(problems.getFirst().path()).startsWith("tasks[0].");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "timeout: 10ms, priority: 0, retry: {maxAttempts: 1, initialDelay: 0s, maxDelay: 0s, backoffMultiplier: 1, jitter: 0}",
                "timeout: 30d, priority: 10, retry: {maxAttempts: 100, initialDelay: 30d, maxDelay: 30d, backoffMultiplier: 10, jitter: 1}",
            })
    void theEndsOfARangeBelongToIt(String fields) {
        assertThat(valid(task("type: shell, command: x, " + fields)).tasks()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "${ORRERY_API}/runs",
                "${ORRERY_API}/runs/${ORRERY_RUN_ID}?task=${ORRERY_TASK_ID}",
                "HTTPS://example.org",
                "http://[::1]:8080/x#y",
                "http://my_service:65535/",
            })
    void urlsMayHoldTheThreePlaceholders(String url) {
        assertThat(valid(task("type: http, url: '" + url + "'")).tasks()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-a", ".a", "a b", "ä", "a/b"})
    void anIdHasItsForm(String id) {
        assertThat(problems("tasks: [{id: '" + id + "', type: shell, command: x}]"))
                .extracting(Problem::code)
                .containsExactly("BAD_ID");
    }

    @ParameterizedTest
    @CsvSource({
        "'tasks: []', NO_TASKS",
        "'tasks:', NO_TASKS",
        "'name: x', MISSING_FIELD",
        "'tasks: {}', WRONG_TYPE",
        "'tasks: [x]', WRONG_TYPE",
        "'[]', WRONG_TYPE",
        "text, WRONG_TYPE",
        "'', EMPTY_FILE",
        "'# nothing', EMPTY_FILE",
        "'---', WRONG_TYPE"
    })
    void aFileWithoutTasksIsRefused(String yaml, String code) {
        assertThat(problems(yaml)).extracting(Problem::code).containsExactly(code);
    }

    @Test
    void anInvalidFileBecomesAnErrorWithAllProblems() {
        var parsed = DagFileParser.parse("nmae: x\ntasks: []");

        assertThatThrownBy(parsed::orThrow).isInstanceOfSatisfying(OrreryException.class, error -> {
            assertThat(error.code()).isEqualTo(ErrorCode.VALIDATION_ERROR);
            assertThat(error.problems()).hasSize(2);
            assertThat(error).hasMessage("the DAG file is not valid: unknown field 'nmae' (and more)");
        });
        assertThat(DagFileParser.parse(NIGHTLY_REPORT).orThrow().tasks()).hasSize(4);
    }
}
