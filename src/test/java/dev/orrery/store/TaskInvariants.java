package dev.orrery.store;

import dev.orrery.testing.TestDatabase;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What must hold of single tasks whenever no transaction is under way, told as the list of what does not. */
final class TaskInvariants {

    private static final String TASKS = """
            WITH task AS MATERIALIZED (
                SELECT i.*, a.state, coalesce(a.state >= 'succeeded', false) AS is_over
                FROM task_instances i
                LEFT JOIN LATERAL (
                    SELECT x.state FROM task_attempts x WHERE x.task_id = i.id ORDER BY x.attempt DESC LIMIT 1) a ON true
            ), place AS MATERIALIZED (
                SELECT id, 'wait' AS name FROM task_wait
                UNION ALL SELECT ref, 'timer' FROM task_timers
                UNION ALL SELECT id, 'ready' FROM task_ready
                UNION ALL SELECT id, 'limit' FROM lock_waits
                UNION ALL SELECT task_id, 'children' FROM task_parents WHERE open IS NOT NULL
                UNION ALL
                SELECT m.id, 'claim' FROM claim_batches b CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
                LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
                WHERE a.outcome IS NULL
            ), edge AS MATERIALIZED (
                SELECT d.*, p.state AS prerequisite, p.depth AS above, t.depth AS below
                FROM task_dependencies d JOIN task p ON p.id = d.prerequisite_id JOIN task t ON t.id = d.dependent_id
            )
            """;

    private static final Map<String, String> WRONG = new LinkedHashMap<>();

    static {
        WRONG.put("in two places", "SELECT id FROM place GROUP BY id HAVING count(*) > 1");
        WRONG.put("open, but nowhere", "SELECT id FROM task WHERE NOT is_over AND id NOT IN (SELECT id FROM place)");
        WRONG.put("over, but somewhere", "SELECT id FROM task WHERE is_over AND id IN (SELECT id FROM place)");
        WRONG.put("unmet is not what is unresolved", """
                SELECT w.id FROM task_wait w
                WHERE w.unmet <> (SELECT count(*) FROM task_dependencies d
                                  WHERE d.dependent_id = w.id AND d.resolved_at IS NULL)""");
        WRONG.put("resolved, but not done, or the other way round", """
                SELECT dependent_id FROM edge
                WHERE (resolved_at IS NOT NULL) <> (prerequisite IS NOT DISTINCT FROM 'succeeded')""");
        WRONG.put("waits for one that ended badly", """
                SELECT e.dependent_id FROM edge e JOIN task_wait w ON w.id = e.dependent_id
                WHERE e.prerequisite > 'succeeded'""");
        WRONG.put("not deep enough", "SELECT dependent_id FROM edge WHERE below <= above");
        WRONG.put("a key of one that is over", """
                SELECT u.task_id FROM unique_keys u JOIN task t ON t.id = u.task_id WHERE t.is_over""");
        WRONG.put("open without its key", """
                SELECT t.id FROM task t
                WHERE t.unique_key IS NOT NULL AND NOT t.is_over AND t.id NOT IN (SELECT task_id FROM unique_keys)""");
        WRONG.put("children miscounted", """
                SELECT p.task_id FROM task_parents p
                WHERE p.open <> (SELECT count(*) FROM task c WHERE c.parent_id = p.task_id AND NOT c.is_over)""");
        WRONG.put("over with children that it waits for", """
                SELECT p.task_id FROM task_parents p JOIN task t ON t.id = p.task_id WHERE t.is_over""");
        WRONG.put("below a parent that never was", """
                SELECT t.id FROM task t
                WHERE t.parent_id IS NOT NULL AND t.parent_id NOT IN (SELECT p.id FROM task p)""");
        WRONG.put("asked to end, but not claimed", """
                SELECT task_id FROM cancel_requests
                WHERE task_id NOT IN (SELECT id FROM place WHERE name = 'claim')""");
    }

    private TaskInvariants() {}

    static List<String> violations(TestDatabase database) {
        return WRONG.entrySet().stream()
                .map(wrong -> wrong.getKey() + ": "
                        + database.value(
                                TASKS + "SELECT string_agg(v.id::text, ' ') FROM (" + wrong.getValue() + ") v(id)"))
                .filter(found -> !found.endsWith(": null"))
                .toList();
    }
}
