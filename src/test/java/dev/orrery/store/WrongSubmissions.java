package dev.orrery.store;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What programs may not submit: on each line the SQLSTATE, the place that is named, and the parameters. */
final class WrongSubmissions {

    /** Of submit_task. */
    static final String TASKS = """
        22023 | definition            | NULL
        22023 | definition            | '[]'
        22023 | definition            | '"shell"'
        22023 | definition.type       | '{}'
        22023 | definition.type       | '{"type":"sh"}'
        22023 | definition.type       | '{"type":7}'
        22023 | definition.command    | '{"type":"shell"}'
        22023 | definition.command    | '{"type":"shell","command":" "}'
        22023 | definition.command    | '{"type":"shell","command":["x"]}'
        22023 | definition.handler    | '{"type":"shell","command":"x","handler":"noop"}'
        22023 | definition.name       | '{"type":"shell","command":"x","name":"n"}'
        22023 | definition.colour     | '{"type":"shell","command":"x","colour":"red"}'
        22023 | definition.type       | '{"type":"shell","command":"x","type":"http"}'
        22023 | definition.env        | '{"type":"shell","command":"x","env":{"1":"x"}}'
        22023 | definition.env        | '{"type":"shell","command":"x","env":{"A":1}}'
        22023 | definition.env        | '{"type":"shell","command":"x","env":{"ORRERY_API":"x"}}'
        22023 | definition.url        | '{"type":"http","url":"ftp://x/"}'
        22023 | definition.url        | '{"type":"http","url":"http://"}'
        22023 | definition.url        | '{"type":"http","url":"http://x/ y"}'
        22023 | definition.method     | '{"type":"http","url":"http://x/","method":"get"}'
        22023 | definition.headers    | '{"type":"http","url":"http://x/","headers":{"A B":"x"}}'
        22023 | definition.headers    | '{"type":"http","url":"http://x/","headers":{"A":"x","a":"y"}}'
        22023 | definition.headers    | '{"type":"http","url":"http://x/","headers":{"A":"x\\ny"}}'
        22023 | definition.script     | '{"type":"python"}'
        22023 | definition.script     | '{"type":"python","script":"a","code":"b"}'
        22023 | definition.args       | '{"type":"python","code":"b","args":[1]}'
        22023 | definition.handler    | '{"type":"handler","handler":"no op"}'
        22023 | queue                 | '{"type":"agent","handler":"x"}', queue => 'q'
        22023 | definition.lock       | '{"type":"shell","command":"x","lock":"one"}'
        22023 | definition.retry      | '{"type":"shell","command":"x","retry":{"maxAttempts":0}}'
        22023 | definition.retry      | '{"type":"shell","command":"x","retry":{"maxDelay":"soon"}}'
        22023 | definition.retry      | '{"type":"shell","command":"x","retry":{"tries":3}}'
        22023 | max_retries           | '{"type":"shell","command":"x","retry":{"maxAttempts":3}}', max_retries => 2
        22023 | definition            | '{"type":"shell","command":"x\\u0000"}'
        22023 | definition            | '{"type":"shell","command":"x\\ud800"}'
        22023 | input                 | '{"type":"shell","command":"x"}', input => '"\\u0000"'
        22023 | input                 | '{"type":"shell","command":"x"}', input => '1e999999'
        54000 | input                 | '{"type":"shell","command":"x"}', input => (repeat('[', 200) || repeat(']', 200))::json
        54000 | input                 | '{"type":"shell","command":"x"}', input => to_json(repeat('x', 1048577))
        54000 | definition            | ('{"type":"shell","command":"' || repeat('x', 2097152) || '"}')::json
        22023 | priority              | '{"type":"shell","command":"x"}', priority => 11
        22023 | priority              | '{"type":"shell","command":"x"}', priority => -1
        22023 | max_retries           | '{"type":"shell","command":"x"}', max_retries => -1
        22023 | timeout               | '{"type":"shell","command":"x"}', timeout => '-1s'
        22023 | timeout               | '{"type":"shell","command":"x"}', timeout => '31 days'
        22023 | estimate              | '{"type":"shell","command":"x"}', estimate => '-1s'
        22023 | deadline              | '{"type":"shell","command":"x"}', deadline => 'infinity'
        22023 | not_before            | '{"type":"shell","command":"x"}', not_before => '-infinity'
        22023 | name                  | '{"type":"shell","command":"x"}', name => E'a\\nb'
        22023 | name                  | '{"type":"shell","command":"x"}', name => repeat('x', 256)
        22023 | queue                 | '{"type":"shell","command":"x"}', queue => 'a/b'
        22023 | created_by            | '{"type":"shell","command":"x"}', created_by => ''
        22023 | session_id            | '{"type":"shell","command":"x"}', session_id => ' '
        22023 | unique_key            | '{"type":"shell","command":"x"}', unique_key => ''
        22023 | on_conflict           | '{"type":"shell","command":"x"}', on_conflict => 'refuse'
        22023 | on_conflict           | '{"type":"shell","command":"x"}', unique_key => 'k', on_conflict => 'x'
        22023 | source                | '{"type":"shell","command":"x"}', source => 'robot'
        22023 | dependency_type       | '{"type":"shell","command":"x"}', dependency_type => 'some'
        22023 | definition.waitForChildren | '{"type":"shell","command":"x","waitForChildren":true}'
        22023 | tags                  | '{"type":"shell","command":"x"}', tags => ARRAY['']
        22023 | tags                  | '{"type":"shell","command":"x"}', tags => ARRAY[NULL]
        54000 | tags                  | '{"type":"shell","command":"x"}', tags => ARRAY(SELECT n::text FROM generate_series(1, 51) n)
        23503 | depends_on            | '{"type":"shell","command":"x"}', depends_on => ARRAY[gen_random_uuid()]
        22023 | depends_on            | '{"type":"shell","command":"x"}', depends_on => ARRAY[NULL::uuid]
        54000 | depends_on            | '{"type":"shell","command":"x"}', depends_on => ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 10000))
        23503 | parent                | '{"type":"shell","command":"x"}', parent => gen_random_uuid()
        """;

    /** Of submit_tasks. */
    static final String LISTS = """
        22023 | tasks                 | NULL
        22023 | tasks                 | '{}'
        54000 | tasks                 | '[]'
        22023 | tasks[0]              | '[7]'
        22023 | tasks[1]              | '[{"type":"shell","command":"x"}, null]'
        22023 | tasks[0].dependencies | '[{"ref":"a","type":"shell","command":"x","dependencies":["a"]}]'
        22023 | tasks[0].dependencies | '[{"ref":"a","type":"shell","command":"x","dependencies":["b"]},{"ref":"b","type":"shell","command":"x","dependencies":["a"]}]'
        22023 | tasks[0].dependencies | '[{"ref":"a","type":"shell","command":"x","dependencies":[7]}]'
        22023 | tasks[1].dependencies | '[{"ref":"a","type":"shell","command":"x"},{"type":"shell","command":"x","dependencies":["a","a"]}]'
        23503 | tasks[0].dependencies | '[{"type":"shell","command":"x","dependencies":["nobody"]}]'
        22023 | tasks[1].ref          | '[{"ref":"a","type":"shell","command":"x"},{"ref":"a","type":"shell","command":"x"}]'
        22023 | tasks[0].ref          | '[{"ref":"01980f6e-5a10-7000-8b2d-5f3180000001","type":"shell","command":"x"}]'
        23503 | tasks[0].parentTaskId | '[{"type":"shell","command":"x","parentTaskId":"b"},{"ref":"b","type":"shell","command":"x"}]'
        22023 | tasks[0].deadline     | '[{"type":"shell","command":"x","deadline":"tomorrow"}]'
        22023 | tasks[0].deadline     | '[{"type":"shell","command":"x","deadline":"2026-13-01T00:00:00Z"}]'
        22023 | tasks[0].timeout      | '[{"type":"shell","command":"x","timeout":"-5s"}]'
        22023 | tasks[0].timeout      | '[{"type":"shell","command":"x","timeout":5}]'
        22023 | tasks[0].waitForChildren | '[{"type":"shell","command":"x","waitForChildren":"yes"}]'
        54000 | tasks                 | (SELECT json_agg('{"type":"shell","command":"x"}'::json) FROM generate_series(1, 10001))
        54000 | tasks                 | (SELECT json_agg(json_build_object('type', 'shell', 'command', repeat('x', 1000000))) FROM generate_series(1, 17))
        54000 | tasks[11].dependencies | (SELECT json_agg(json_build_object('ref', 'r' || n, 'type', 'shell', 'command', 'x', 'dependencies', CASE WHEN n = 1 THEN '[]'::json ELSE json_build_array('r' || n - 1) END) ORDER BY n) FROM generate_series(1, 12) n)
        """;

    private WrongSubmissions() {}

    /** A list of tasks that stand one behind the other: one that is too long for the settings is wrong. */
    static String chain(int count) {
        return IntStream.range(0, count)
                .mapToObj(n -> "{\"type\":\"shell\",\"command\":\"a\",\"ref\":\"r" + n + "\""
                        + (n == 0 ? "" : ",\"dependencies\":[\"r" + (n - 1) + "\"]") + "}")
                .collect(Collectors.joining(",", "[", "]"));
    }
}
