package dev.orrery.dagfile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.dagfile.DagDifference.FieldChange;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DagDifferenceTest {

    private static final String BEFORE = """
            name: report
            schedule: "0 2 * * *"
            tasks:
              - {id: extract, type: shell, command: ./a, env: {REGION: eu, MODE: fast}, timeout: 10m}
              - {id: load, type: python, script: load.py, args: [x], dependencies: [extract]}
              - {id: tell, type: http, url: 'http://x', headers: {A: b}, body: {a: 1}, dependencies: [load, extract]}
              - {id: old, type: handler, handler: noop, dependencies: [tell]}
            """;

    @Test
    void aDagIsNotDifferentFromItself() {
        var difference = DagDifference.between(draft(BEFORE), draft(BEFORE));

        assertThat(difference.isEmpty()).isTrue();
        assertThat(difference.text()).isEqualTo("no difference\n");
    }

    @Test
    void theOrderOfDependenciesIsNoDifference() {
        var after = BEFORE.replace("[load, extract]", "[extract, load]");

        assertThat(DagDifference.between(draft(BEFORE), draft(after)).isEmpty()).isTrue();
    }

    @Test
    void ofAProgramTheLinesThatDifferAreShown() {
        var before = """
                name: report
                tasks:
                  - id: load
                    type: python
                    code: |
                      import json
                      total = 1
                      print(total)
                """;
        var after = before.replace("total = 1\n", "total = 2\n      total += 3\n");

        assertThat(DagDifference.between(draft(before), draft(after)).text()).isEqualTo("""
                        ~ task load
                            code, from its line 2:
                              - total = 1
                              + total = 2
                              + total += 3
                        """);
        assertThat(DagDifference.between(draft(before), draft(before.replace("|", "|-")))
                        .text())
                .isEqualTo("""
                        ~ task load
                            code, from its line 4:
                              -\s
                        """);
    }

    @Test
    void ofManyLinesThatDifferTheFirstAreShown() {
        var program = "name: report\ntasks: [{id: load, type: shell, command: \"%s\"}]";
        var before = program.formatted("a\\n".repeat(30));
        var after = program.formatted("a\\n");

        assertThat(DagDifference.between(draft(before), draft(after)).text())
                .contains("command, from its line 2:", "- and 19 more lines")
                .doesNotContain("+");
    }

    @Test
    void tasksThatComeGoAndChangeAreToldApart() {
        var difference = DagDifference.between(draft(BEFORE), draft("""
                name: report
                timezone: Europe/Berlin
                tasks:
                  - {id: extract, type: shell, command: ./a, env: {REGION: us, NEW: ""}, timeout: 20m}
                  - {id: load, type: python, code: pass, dependencies: [extract]}
                  - {id: tell, type: http, url: 'http://x', headers: {A: b}, body: {a: 2}, dependencies: [load]}
                  - {id: new, type: handler, handler: noop, dependencies: [tell, load]}
                """));

        assertThat(difference.added()).extracting(TaskDefinition::id).hasToString("[new]");
        assertThat(difference.removed()).extracting(TaskDefinition::id).hasToString("[old]");
        assertThat(difference.fields())
                .contains(new FieldChange("schedule", Optional.of("0 2 * * *"), Optional.empty()));
        assertThat(difference.text()).isEqualTo("""
                        ~ schedule: 0 2 * * * -> (none)
                        ~ timezone: UTC -> Europe/Berlin
                        + task new (handler, after load, tell)
                        - task old (handler, after tell)
                        ~ task extract
                            env.REGION: eu -> us
                            env.MODE: fast -> (none)
                            timeout: 10m -> 20m
                            env.NEW: (none) -> ""
                        ~ task load
                            script: load.py -> (none)
                            args: [x] -> []
                            code: (none) -> pass
                        ~ task tell
                            body: {"a":1} -> {"a":2}
                            dependencies: [extract, load] -> [load]
                        """);
    }

    @Test
    void aTaskThatBecomesAnotherTypeShowsItsFields() {
        var before = draft("tasks: [{id: a, type: handler, handler: echo, input: 1}]");
        var after = draft("tasks: [{id: a, type: shell, command: x, workingDirectory: y}]");

        assertThat(DagDifference.between(before, after).changed().getFirst().fields())
                .extracting(FieldChange::field)
                .containsExactly("type", "handler", "input", "command", "workingDirectory");
    }

    @Test
    void anotherOrderOfTasksIsADifference() {
        var before = draft("tasks: [{id: a, type: shell, command: x}, {id: b, type: shell, command: x}]");
        var after = draft("tasks: [{id: b, type: shell, command: x}, {id: a, type: shell, command: x}]");

        assertThat(DagDifference.between(before, after).text()).isEqualTo("~ order of tasks: a, b -> b, a\n");
    }

    private static DagDraft draft(String yaml) {
        return DagFileParser.parse(yaml).orThrow();
    }
}
