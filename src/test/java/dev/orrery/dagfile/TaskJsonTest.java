package dev.orrery.dagfile;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskDraft;
import dev.orrery.domain.dag.TaskDraft.Reference.Existing;
import dev.orrery.domain.dag.TaskDraft.Reference.Together;
import dev.orrery.domain.dag.TaskType.AgentCall;
import dev.orrery.domain.dag.TaskType.FunctionCall;
import dev.orrery.domain.dag.TaskType.Shell;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.domain.task.UniqueKey;
import dev.orrery.domain.task.UniqueKey.OnConflict;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TaskJsonTest {

    private static final int MAX = 50;
    private static final String ID = "01980f6e-5a10-7000-8b2d-5f3180000001";

    @Test
    void whatIsNotSaidIsAsItUsuallyIs() {
        var task = one("{'type': 'handler', 'handler': 'echo'}");

        assertThat(task.type()).isEqualTo(new FunctionCall("echo"));
        assertThat(task.name()).isEqualTo("echo");
        assertThat(task.priority()).isEqualTo(5);
        assertThat(task.timeout()).isEqualTo(Duration.ofMinutes(30));
        assertThat(task.retry().maxAttempts()).isEqualTo(4);
        assertThat(task.source()).isEqualTo(TaskSource.HUMAN);
        assertThat(task.dependencyType()).isEqualTo(DependencyType.SEQUENTIAL);
        assertThat(task.input()).isEmpty();
        assertThat(task.uniqueKey()).isEmpty();
    }

    @Test
    void everythingThatIsSaidIsRead() {
        var task = one("""
                {'name': 'grüße', 'type': 'shell', 'command': 'echo hi', 'env': {'A': '1'}, 'input': {'a': [1, 2.50]},
                 'queue': 'slow', 'priority': 9, 'deadline': '2026-12-01T10:00:00+01:00', 'estimatedDurationSeconds': 1.5,
                 'source': 'agent_planner', 'createdBy': 'ann', 'parentTaskId': '%1$s', 'sessionId': 's 1',
                 'dependencies': ['%1$s'], 'dependencyType': 'parallel', 'maxRetries': 0, 'timeout': '90s',
                 'tags': ['a', 'b', 'a'], 'uniqueKey': '钥匙', 'onConflict': 'refuse', 'notBefore': '2026-11-30T10:00:00Z',
                 'concurrencyKey': 'customer 7'}
                """.formatted(ID));

        assertThat(task.name()).isEqualTo("grüße");
        assertThat(task.type()).isEqualTo(new Shell("echo hi", Map.of("A", "1"), Optional.empty()));
        assertThat(task.input()).contains(new Json("{\"a\": [1, 2.50]}"));
        assertThat(task.queue()).contains("slow");
        assertThat(task.priority()).isEqualTo(9);
        assertThat(task.deadline()).contains(Instant.parse("2026-12-01T09:00:00Z"));
        assertThat(task.estimate()).contains(Duration.ofMillis(1_500));
        assertThat(task.source()).isEqualTo(TaskSource.AGENT_PLANNER);
        assertThat(task.createdBy()).contains("ann");
        assertThat(task.parent()).contains(new Existing(TaskInstanceId.parse(ID)));
        assertThat(task.sessionId()).contains("s 1");
        assertThat(task.dependencies()).containsExactly(new Existing(TaskInstanceId.parse(ID)));
        assertThat(task.dependencyType()).isEqualTo(DependencyType.PARALLEL);
        assertThat(task.retry().maxAttempts()).isEqualTo(1);
        assertThat(task.timeout()).isEqualTo(Duration.ofSeconds(90));
        assertThat(task.tags()).containsExactly("a", "b");
        assertThat(task.uniqueKey()).contains(new UniqueKey("钥匙", OnConflict.REFUSE));
        assertThat(task.notBefore()).contains(Instant.parse("2026-11-30T10:00:00Z"));
        assertThat(task.concurrencyKey()).contains("customer 7");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "null",
                "true",
                "-0.5e3",
                "7",
                "\"text \\\" \\\\ \\u00e9 ü 🙂 \\ud83d\\ude42\"",
                "{\"a\": [1, {\"b\": null}], \"c\": \"}\"}",
                "  [ 1 ,\n 2 ]"
            })
    void theInputIsKeptAsItWasWritten(String input) {
        for (var end : List.of("}", ", \"priority\": 3}", "  \n}")) {
            var task = TaskJson.one(
                    ("{\"type\": \"agent\", \"handler\": \"resize\", \"input\":" + input + end).getBytes(UTF_8), MAX);

            assertThat(task.input().orElseThrow().text()).isEqualTo(input.strip());
            assertThat(task.type()).isEqualTo(new AgentCall("resize"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lock", "mutex", "concurrencyGroup"})
    void whoAsksForALockIsToldOfKeys(String field) {
        assertThat(problems(() -> one("{'type': 'handler', 'handler': 'echo', '" + field + "': 'ledger'}")))
                .singleElement()
                .satisfies(problem -> {
                    assertThat(problem.path()).isEqualTo(field);
                    assertThat(problem.message()).contains("'concurrencyKey'");
                });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'typ': 'shell'} | typ | UNKNOWN_FIELD | did you mean 'type'?",
                "{'type': 'shel', 'command': 'x'} | type | UNKNOWN_TYPE | did you mean 'shell'?",
                "{'type': 'shell'} | command | MISSING_FIELD | ",
                "{'type': 'shell', 'command': 'x', 'handler': 'echo'} | handler | UNKNOWN_FIELD | ",
                "{'type': 'handler', 'handler': 'echo', 'priority': 11} | priority | OUT_OF_RANGE | ",
                "{'type': 'handler', 'handler': 'echo', 'priority': '5'} | priority | WRONG_TYPE | ",
                "{'type': 'handler', 'handler': 'echo', 'priority': null} | priority | WRONG_TYPE | ",
                "{'type': 'handler', 'handler': 'echo', 'estimatedDurationSeconds': -1} | estimatedDurationSeconds | OUT_OF_RANGE | ",
                "{'type': 'handler', 'handler': 'echo', 'timeout': '-1s'} | timeout | BAD_DURATION | ",
                "{'type': 'handler', 'handler': 'echo', 'timeout': 30} | timeout | BAD_DURATION | write 30s for seconds, or ms, m, h, d",
                "{'type': 'handler', 'handler': 'echo', 'deadline': 'tomorrow'} | deadline | INVALID_VALUE | ",
                "{'type': 'handler', 'handler': 'echo', 'dueDate': 'x'} | dueDate | UNKNOWN_FIELD | did you mean 'deadline'?",
                "{'type': 'handler', 'handler': 'echo', 'source': 'humn'} | source | INVALID_VALUE | did you mean 'human'?",
                "{'type': 'handler', 'handler': 'echo', 'onConflict': 'return'} | onConflict | CONFLICTING_FIELDS | ",
                "{'type': 'handler', 'handler': 'echo', 'maxRetries': 1, 'retry': {'maxAttempts': 2}} | maxRetries | CONFLICTING_FIELDS | ",
                "{'type': 'agent', 'handler': 'x', 'queue': 'slow'} | queue | CONFLICTING_FIELDS | ",
                "{'type': 'handler', 'handler': 'echo', 'dependencies': ['nope']} | dependencies[0] | UNKNOWN_DEPENDENCY | ",
                "{'type': 'handler', 'handler': 'echo', 'dependencies': 'nope'} | dependencies | WRONG_TYPE | ",
                "{'type': 'handler', 'handler': 'echo', 'dependencies': [7]} | dependencies[0] | WRONG_TYPE | ",
                "{'type': 'handler', 'handler': 'echo', 'parentTaskId': 'nope'} | parentTaskId | UNKNOWN_DEPENDENCY | ",
                "{'type': 'handler', 'handler': 'echo', 'uniqueKey': ''} | uniqueKey | BAD_NAME | ",
                "{'type': 'handler', 'handler': 'echo', 'tags': ['']} | tags[0] | BAD_NAME | ",
                "{'type': 'handler', 'handler': 'echo', 'name': 'a\\u0000b'} | name | BAD_CHARACTER | ",
                "{'type': 'handler', 'handler': 'echo', 'name': 'a\\ud800b'} | name | BAD_CHARACTER | ",
                "{'type': 'handler', 'handler': 'echo', 'input': {'a\\u0000': 1}} | input | BAD_CHARACTER | ",
                "{'type': 'handler', 'handler': 'echo', 'input': '\\udc00\\ud800'} | input | BAD_CHARACTER | ",
                "{'type': 'handler', 'handler': 'echo', 'input': '\\ud800 \\udc00'} | input | BAD_CHARACTER | ",
                "{'type': 'handler', 'handler': 'echo', 'input': 1e999} | input | OUT_OF_RANGE | ",
                "{'type': 'handler', 'handler': 'echo', 'ref': 'a'} | ref | UNKNOWN_FIELD | ",
                "[] |  | WRONG_TYPE | ",
            })
    void whatIsWrongIsToldWithItsPlace(String json, String path, String code, String help) {
        var problems = problems(() -> one(json));

        assertThat(problems).anySatisfy(problem -> {
            assertThat(problem.path()).isEqualTo(path == null ? "" : path);
            assertThat(problem.code()).isEqualTo(code);
            assertThat(problem.line()).isEqualTo(1);
            assertThat(problem.column()).isPositive();
            if (help != null) {
                assertThat(problem.help()).contains(help);
            }
        });
    }

    @Test
    void whatIsNoJsonIsRefusedWithItsPlace() {
        for (var broken :
                List.of("{", "{'a': 1,}", "{} {}", "{'type': 'shell', 'type': 'shell'}", "{'type': 'sh\\q'}", "")) {
            var refusal = refusal(() -> one(broken));

            assertThat(refusal.code()).as(broken).isIn(ErrorCode.PARSE_ERROR, ErrorCode.VALIDATION_ERROR);
            assertThat(refusal.problems()).as(broken).isNotEmpty();
        }
        assertThat(refusal(() -> one("{'input': " + "[".repeat(200) + "]".repeat(200) + "}"))
                        .code())
                .isEqualTo(ErrorCode.PARSE_ERROR);
    }

    @Test
    void tenThousandDependenciesAreOneProblem() {
        var many = IntStream.range(0, 10_000).mapToObj(n -> "'d" + n + "'").collect(joining(","));

        var problems = problems(() -> one("{'type': 'handler', 'handler': 'echo', 'dependencies': [" + many + "]}"));

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().code()).isEqualTo("TOO_MANY_DEPENDENCIES");
        assertThat(problems.getFirst().message())
                .isEqualTo("a task may wait for at most 50 others, this one has 10000");
    }

    @Test
    void inputsAndTextsHaveBounds() {
        var large = "x".repeat(TaskDraft.MAX_INPUT_BYTES);

        assertThat(problems(() -> one("{'type': 'handler', 'handler': 'echo', 'input': '" + large + "'}")))
                .singleElement()
                .satisfies(problem -> assertThat(problem.path()).isEqualTo("input"));
        assertThat(problems(() -> one("{'type': 'shell', 'command': '" + large + "'}")))
                .singleElement()
                .satisfies(problem -> assertThat(problem.path()).isEqualTo("command"));
        var manyValues =
                IntStream.range(0, 60_000).mapToObj(n -> "'A" + n + "': '1'").collect(joining(","));
        assertThat(problems(() -> one("{'type': 'shell', 'command': 'x', 'env': {" + manyValues + "}}")))
                .anySatisfy(problem -> assertThat(problem.code()).isEqualTo("OUT_OF_RANGE"));
    }

    @Test
    void tasksOfABatchNameOneAnotherInAnyOrder() {
        var batch = batch("""
                {'tasks': [
                  {'ref': 'c', 'type': 'handler', 'handler': 'echo', 'dependencies': ['a', '%s', 'b']},
                  {'ref': 'a', 'type': 'handler', 'handler': 'echo'},
                  {'ref': 'b', 'type': 'handler', 'handler': 'echo', 'dependencies': ['a'], 'parentTaskId': 'a'}]}
                """.formatted(ID));

        assertThat(batch.get(0).dependencies())
                .containsExactly(new Together(2), new Existing(TaskInstanceId.parse(ID)), new Together(3));
        assertThat(batch.get(2).dependencies()).containsExactly(new Together(2));
        assertThat(batch.get(2).parent()).contains(new Together(2));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{} | tasks | MISSING_FIELD",
                "[] |  | WRONG_TYPE",
                "{'tasks': {}} | tasks | WRONG_TYPE",
                "{'tasks': []} | tasks | OUT_OF_RANGE",
                "{'tasks': [], 'task': 1} | task | UNKNOWN_FIELD",
                "{'tasks': [7]} | tasks[0] | WRONG_TYPE",
                "{'tasks': [{~}, {~, 'deadline': 'x'}]} | tasks[1].deadline | INVALID_VALUE",
                "{'tasks': [{~, 'ref': 'a'}, {~, 'ref': 'a'}]} | tasks[1].ref | DUPLICATE_ID",
                "{'tasks': [{~, 'ref': 'a b'}]} | tasks[0].ref | BAD_ID",
                "{'tasks': [{~, 'ref': '01980f6e-5a10-7000-8b2d-5f3180000001'}]} | tasks[0].ref | BAD_ID",
                "{'tasks': [{~, 'ref': 'a', 'dependencies': ['a']}]} | tasks[0].dependencies[0] | SELF_DEPENDENCY",
                "{'tasks': [{~, 'ref': 'a'}, {~, 'dependencies': ['a', 'a']}]} | tasks[1].dependencies[1] | DUPLICATE_DEPENDENCY",
                "{'tasks': [{~, 'ref': 'extract'}, {~, 'dependencies': ['extrat']}]} | tasks[1].dependencies[0] | UNKNOWN_DEPENDENCY",
                "{'tasks': [{~, 'ref': 'a', 'dependencies': ['b']}, {~, 'ref': 'b', 'dependencies': ['a']}]} | tasks[0].dependencies[0] | CYCLE",
                "{'tasks': [{~, 'parentTaskId': 'a'}, {~, 'ref': 'a'}]} | tasks[0].parentTaskId | UNKNOWN_DEPENDENCY",
                "{'tasks': [{~, 'ref': 'a', 'parentTaskId': 'a'}]} | tasks[0].parentTaskId | UNKNOWN_DEPENDENCY",
            })
    void whatIsWrongInABatchIsToldWithItsPlace(String json, String path, String code) {
        var problems = problems(() -> batch(json.replace("~", "'type': 'handler', 'handler': 'echo'")));

        assertThat(problems).anySatisfy(problem -> {
            assertThat(problem.path()).isEqualTo(path == null ? "" : path);
            assertThat(problem.code()).isEqualTo(code);
        });
    }

    @Test
    void allProblemsOfABatchAreToldUpToABound() {
        var task = "{'type': 'handler', 'handler': 'echo', 'priority': 99}";

        var few = problems(() -> batch("{'tasks': [" + task + "," + task + "," + task + "]}"));
        var many = problems(() -> batch(
                "{'tasks': [" + IntStream.range(0, 10_001).mapToObj(_ -> task).collect(joining(",")) + "]}"));

        assertThat(few)
                .extracting(Problem::path)
                .containsExactly("tasks[0].priority", "tasks[1].priority", "tasks[2].priority");
        assertThat(many).hasSize(Problems.MAX_SHOWN + 1);
        assertThat(many.getLast().message()).isEqualTo("and 9901 more problems");
    }

    @Test
    void aDuplicateIdIsOneWhateverItsLettersAre() {
        var problems = problems(() -> one("{'type': 'handler', 'handler': 'echo', 'dependencies': ['%s', '%s']}"
                .formatted(ID, ID.toUpperCase(java.util.Locale.ROOT))));

        assertThat(problems).extracting(Problem::code).containsExactly("DUPLICATE_DEPENDENCY");
    }

    private static TaskDraft one(String json) {
        return TaskJson.one(json.replace('\'', '"').getBytes(UTF_8), MAX);
    }

    private static List<TaskDraft> batch(String json) {
        return TaskJson.batch(json.replace('\'', '"').getBytes(UTF_8), MAX);
    }

    private static OrreryException refusal(org.assertj.core.api.ThrowableAssert.ThrowingCallable reading) {
        return catchThrowableOfType(OrreryException.class, reading);
    }

    private static List<Problem> problems(org.assertj.core.api.ThrowableAssert.ThrowingCallable reading) {
        return refusal(reading).problems();
    }
}
