package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.TaskSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PSQLException;

/** Tasks that a program on the same database submits in its own transaction, as a role that may do nothing else. */
class UserSubmissionsIT extends UserSubmissionsTestBase {

    @Test
    void whatIsRolledBackWasNeverThereAndWhatIsCommittedIsClaimed() throws SQLException {
        submit("input => '{\"n\": 1.50}', priority => 7, timeout => '90s', max_retries => 1, tags => '{a,b}', name =>"
                + " 'mail'");
        program.rollback();
        assertThat(database.value("SELECT count(*) FROM task_instances")).isEqualTo("0");

        var id = submit(
                "input => '{\"n\": 1.50}', priority => 7, timeout => '90s', max_retries => 1, tags => '{a,b}', name =>"
                        + " 'mail'");
        assertThat(claim()).isEmpty();
        program.commit();

        var task = claim().orElseThrow();
        assertThat(task.id()).isEqualTo(id);
        var single = task.single().orElseThrow();
        assertThat(task.input()).contains(new Json("{\"n\": 1.50}"));
        assertThat(single.tenant().name()).isEqualTo("default");
        assertThat(single.definition().type()).isEqualTo(new TaskType.FunctionCall("noop"));
        assertThat(single.definition().timeout()).isEqualTo(Duration.ofSeconds(90));
        assertThat(single.definition().retry())
                .isEqualTo(new RetryPolicy(2, Duration.ofSeconds(1), Duration.ofMinutes(5), 2.0, 0.1));
        assertThat(single.definition().priority()).isEqualTo(7);
        assertThat(database.value(
                        "SELECT name || own_priority || timeout_ms || tags::text || source FROM task_instances"))
                .isEqualTo("mail790000{a,b}human");
    }

    @Test
    void everyTypeIsStoredAsNodesReadIt() throws SQLException {
        var types = Map.<String, TaskType>of(
                "{\"type\":\"shell\",\"command\":\"echo \\u20ac\",\"env\":{\"A\":\"b\"},\"workingDirectory\":\"w\"}",
                new TaskType.Shell("echo €", Map.of("A", "b"), Optional.of("w")),
                "{\"type\":\"http\",\"url\":\"${ORRERY_API}/runs?a=%20b\",\"headers\":{\"X\":\"y\"},\"body\":{\"a\":[1,2.0]}}",
                new TaskType.Http(
                        "GET", "${ORRERY_API}/runs?a=%20b", Map.of("X", "y"), Optional.of(new Json("{\"a\":[1,2.0]}"))),
                "{\"type\":\"python\",\"code\":\"print(1)\",\"args\":[\"x\"]}",
                new TaskType.Python(
                        new TaskType.PythonSource.Code("print(1)"),
                        List.of("x"),
                        Map.of(),
                        Optional.empty(),
                        Optional.empty()),
                "{\"type\":\"python\",\"script\":\"a.py\",\"virtualEnv\":\"v\"}",
                new TaskType.Python(
                        new TaskType.PythonSource.Script("a.py"),
                        List.of(),
                        Map.of(),
                        Optional.of("v"),
                        Optional.empty()),
                "{\"type\":\"handler\",\"handler\":\"noop\",\"retry\":{\"maxAttempts\":9,\"initialDelay\":\"PT2S\"}}",
                new TaskType.FunctionCall("noop"),
                "{\"type\":\"agent\",\"handler\":\"resize\"}",
                new TaskType.AgentCall("resize"));

        for (var type : types.entrySet()) {
            var id = uuid("SELECT orrery.submit_task('" + type.getKey() + "')");
            program.commit();
            var stored = database.value("SELECT definition FROM task_instances WHERE id = '" + id + "'");
            assertThat(DagJson.readSingle(new Json(stored), new TaskInstanceId(id))
                            .type())
                    .isEqualTo(type.getValue());
        }
        assertThat(database.value("SELECT string_agg(queue, ' ' ORDER BY queue) FROM task_ready"))
                .isEqualTo("agent/1/resize default default default default default");
        assertThat(database.value("SELECT string_agg(name, ' ' ORDER BY name COLLATE \"C\") FROM task_instances"))
                .isEqualTo("GET ${ORRERY_API}/runs?a=%20b a.py echo € noop python resize");
    }

    @Test
    void whatTheGuideShowsWorks() throws Exception {
        var page = Files.readString(Path.of("src/site/markdown/queue.md"));
        var shown = Pattern.compile("```sql\n(.*?)```", Pattern.DOTALL)
                .matcher(page)
                .results()
                .toList();

        for (var block : shown) {
            execute(program, block.group(1));
        }
        program.commit();

        assertThat(shown).hasSize(3);
        assertThat(database.value("SELECT string_agg(state::text, ' ' ORDER BY id) FROM task_states"))
                .isEqualTo("ready ready blocked ready blocked");
    }

    @Test
    void theAuditLogTellsOfEachByTheRoleThatLoggedInAndOfNoneThatIsRolledBack() throws SQLException {
        submit("");
        program.rollback();
        var one = submit("unique_key => 'told'");
        submit("unique_key => 'told', on_conflict => 'return'");
        var many =
                ids("[{\"type\": \"handler\", \"handler\": \"noop\"}, {\"type\": \"handler\", \"handler\": \"noop\"}]");
        var later = submit("depends_on => ARRAY['" + one + "'::uuid]");
        program.commit();

        var role = database.value("SELECT string_agg(DISTINCT actor, ',') FROM orrery.audit_log");
        assertThat(role).isEqualTo("role:" + value("SELECT session_user"));
        assertThat(database.value("SELECT string_agg(operation || ' ' || base, ', ' ORDER BY id) FROM ("
                        + "SELECT id, operation, left(refs[1]::text, 28) AS base FROM orrery.audit_log) a"))
                .isEqualTo("submit_task " + base(one.value()) + ", submit_tasks " + base(many.getFirst())
                        + ", submit_task " + base(later.value()));
        program.rollback();
    }

    private static String base(UUID task) {
        return task.toString().substring(0, 28);
    }

    @Test
    void listsAreWholeOrNotAtAllAndNameTheirOwnInAnyOrder() throws SQLException {
        var ids = ids("""
            [{"ref": "c", "type": "shell", "command": "c", "dependencies": ["a", "b"], "parentTaskId": null},
             {"ref": "b", "type": "shell", "command": "b", "dependencies": ["a"]},
             {"ref": "a", "type": "shell", "command": "a"},
             {"type": "shell", "command": "d", "parentTaskId": "a"}]\
            """);
        program.commit();

        assertThat(ids.stream().map(this::state)).containsExactly("blocked", "blocked", "ready", "ready");
        assertThat(database.value("SELECT string_agg(name || depth, ' ' ORDER BY name) FROM task_instances"))
                .isEqualTo("a0 b1 c2 d0");
        assertThat(database.value("SELECT parent_id FROM task_instances WHERE name = 'd'"))
                .isEqualTo(ids.get(2).toString());
        end(claim().orElseThrow());
        assertThat(state(ids.get(1))).isEqualTo("ready");

        refused(
                "22023",
                "tasks[1].priority",
                "SELECT orrery.submit_tasks('[{\"type\":\"shell\",\"command\":\"a\"},"
                        + "{\"type\":\"shell\",\"command\":\"a\",\"priority\":5.5}]')");
        assertThat(database.value("SELECT count(*) FROM task_instances")).isEqualTo("4");
    }

    @Test
    void anOpenTransactionHoldsNobodyUpWhatWaitsForOthersIsMadeAsItCommits() throws SQLException {
        var first = submit("priority => 9");
        program.commit();
        var second = submit("depends_on => ARRAY['" + first + "'::uuid]");
        var third = submit("depends_on => ARRAY['" + second + "'::uuid], parent => '" + second + "'");
        assertThat(database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
                .isEqualTo("0");

        end(claim().orElseThrow());
        assertThat(state(first.value())).isEqualTo("succeeded");
        program.commit();

        assertThat(state(second.value())).isEqualTo("ready");
        assertThat(state(third.value())).isEqualTo("blocked");
        assertThat(database.value("SELECT count(*) FROM user_submissions")).isEqualTo("0");
        end(claim().orElseThrow());
        assertThat(state(third.value())).isEqualTo("ready");
    }

    @Test
    void aTaskMayEndWithItsChildren() throws SQLException {
        var parent = submit("wait_for_children => true");
        program.commit();
        var child = submit("parent => '" + parent + "', priority => 0");
        assertThat(database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
                .isEqualTo("0");
        var ids = ids("""
            [{"ref": "p", "type": "shell", "command": "p", "waitForChildren": true, "priority": 10},
             {"type": "shell", "command": "c", "parentTaskId": "p", "waitForChildren": false, "priority": 0}]\
            """);
        program.commit();

        end(claim().orElseThrow());
        end(claim().orElseThrow());
        assertThat(state(parent.value())).isEqualTo("blocked");
        assertThat(state(ids.getFirst())).isEqualTo("blocked");
        end(claim().orElseThrow());
        end(claim().orElseThrow());

        assertThat(List.of(state(parent.value()), state(child.value()), state(ids.getFirst()), state(ids.getLast())))
                .containsOnly("succeeded");
    }

    @Test
    void theSettingsOfTheNodesHoldHereToo() throws SQLException {
        var tasks = new SingleTaskRepository(vertx, pools.api(), new SingleTaskRepository.Limits(2, 1));
        await(tasks.tellLimits(0));
        await(tasks.setSourceWeights(Map.of(TaskSource.AGENT_PLANNER, 2.0), 0));
        var first = submit("");
        var second = submit("source => 'agent_planner'");
        var third = submit("depends_on => ARRAY['" + first + "'::uuid, '" + second + "']");
        program.commit();

        assertThat(database.value("SELECT calculated_priority FROM task_instances WHERE id = '" + second + "'"))
                .isEqualTo("7.25");
        refused(
                "54000",
                "depends_on",
                "SELECT orrery.submit_task(" + NOOP + ", depends_on => ARRAY['" + first + "'::uuid, '" + second + "', '"
                        + third + "'])");
        refused("54000", "tasks[2].dependencies", "SELECT orrery.submit_tasks('" + WrongSubmissions.chain(3) + "')");
        submit("depends_on => ARRAY['" + third + "'::uuid]");
        var error = catchThrowableOfType(PSQLException.class, () -> program.commit());
        assertThat(error.getMessage()).contains("more than 1 tasks deep");

        await(new SingleTaskRepository(vertx, pools.api(), new SingleTaskRepository.Limits(60, 20)).tellLimits(0));
        ids(WrongSubmissions.chain(21));
        program.commit();
        assertThat(database.value("SELECT max(depth) FROM task_instances")).isEqualTo("20");
    }

    @Test
    void whatIsTooDeepByOthersIsRefusedAsItCommits() throws SQLException {
        var last = submit("");
        for (var depth = 1; depth <= 10; depth++) {
            last = submit("depends_on => ARRAY['" + last + "'::uuid]");
        }
        program.commit();
        submit("depends_on => ARRAY['" + last + "'::uuid]");

        var error = catchThrowableOfType(PSQLException.class, () -> program.commit());

        assertThat(error.getSQLState()).isEqualTo("54000");
        assertThat(error.getServerErrorMessage().getColumn()).isEqualTo("depends_on");
        assertThat(database.value("SELECT max(depth) || ' ' || count(*) FROM task_instances"))
                .isEqualTo("10 11");
    }

    @Test
    void aUniqueKeyIsOneTasks() throws SQLException {
        var first = submit("unique_key => 'ключ'");
        assertThat(submit("unique_key => 'ключ'")).isEqualTo(first);
        program.commit();

        assertThat(submit("unique_key => 'ключ', on_conflict => 'return'")).isEqualTo(first);
        refused(
                "23505",
                "unique_key",
                "SELECT orrery.submit_task(" + NOOP + ", unique_key => 'ключ', on_conflict => 'refuse')");
        end(claim().orElseThrow());
        assertThat(submit("unique_key => 'ключ', on_conflict => 'refuse'")).isNotEqualTo(first);
        assertThat(value("SELECT string_agg(is_new::text, ' ') FROM"
                        + " orrery.submit_tasks('[{\"type\":\"shell\",\"command\":\"a\",\"uniqueKey\":\"k\"},"
                        + " {\"type\":\"shell\",\"command\":\"b\",\"uniqueKey\":\"k\"}]')"))
                .isEqualTo("true false");
        refused(
                "23505",
                "tasks[1].uniqueKey",
                "SELECT * FROM orrery.submit_tasks('[{\"type\":\"shell\",\"command\":\"a\",\"uniqueKey\":\"k\",\"onConflict\":\"replace\"},"
                        + " {\"type\":\"shell\",\"command\":\"b\",\"uniqueKey\":\"k\",\"onConflict\":\"replace\"}]')");
    }

    @Test
    void delaysDeadlinesAndEstimatesCount() throws SQLException {
        var early = submit("not_before => now() + interval '1 hour', session_id => 's', created_by => 'shop'");
        var late = submit("deadline => now() - interval '1 day', estimate => '1 hour'");
        program.commit();

        assertThat(state(early.value())).isEqualTo("pending");
        assertThat(state(late.value())).isEqualTo("ready");
        assertThat(database.value("SELECT deadline - must_start_by FROM task_instances WHERE id = '" + late + "'"))
                .isEqualTo("01:00:00");
    }

    @Test
    void idsComeInTheOrderOfTheCalls() throws SQLException {
        var ids = new ArrayList<String>();
        for (var n = 0; n < 50; n++) {
            ids.add(submit("").toString());
        }

        assertThat(ids).isSorted().doesNotHaveDuplicates();
        assertThat(ids)
                .allMatch(id -> id.charAt(14) == '7' && TaskInstanceId.parse(id).isSingle());
    }

    @Test
    void whatIsWrongIsNamedWithItsCure() throws SQLException {
        for (var line : WrongSubmissions.TASKS.lines().toList()) {
            var parts = line.split(" +\\| ", 3);
            refused(parts[0], parts[1], "SELECT orrery.submit_task(" + parts[2] + ")");
        }
    }

    @Test
    void whatIsWrongInAListIsNamedWithItsPlace() throws SQLException {
        for (var line : WrongSubmissions.LISTS.lines().toList()) {
            var parts = line.split(" +\\| ", 3);
            refused(parts[0], parts[1], "SELECT orrery.submit_tasks(" + parts[2] + ")");
        }
    }
}
