-- The order of single tasks: their own priorities, and what those that wait hand down to what they wait for.
--
-- Who waits for a task is whoever has an unresolved edge to it and stands in task_wait. The truth of a task's urgency is in
-- task_instances: calculated_priority is its own alone, priority and must_start_by are the greatest and the least over itself
-- and all who wait for it, directly or not. task_wait has copies, and latest_start of a ready task follows from them.

-- A single task's own priority, the same rule as CalculatedPriority.of: as submitted, more with each level of its depth and
-- each doubling of those that wait for it, plus the weight of its source.
CREATE OR REPLACE FUNCTION calculated_priority(own smallint, depth smallint, blocked int, weight real) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(10, greatest(0,
    own + 0.1::float8 * depth + 0.25::float8 * (ln((1 + least(blocked, 1000))::float8) / ln(2::float8)) + weight))::real;

-- What is added for tasks of this source. Joining source_weights is cheaper for many.
CREATE OR REPLACE FUNCTION source_weight(p_source task_source) RETURNS real
LANGUAGE plpgsql STABLE AS $f$
BEGIN
    RETURN coalesce((SELECT w.weight FROM source_weights w WHERE w.source = p_source), 0);
END $f$;

CREATE OR REPLACE FUNCTION calculated_priority(own smallint, depth smallint, blocked int, source task_source) RETURNS real
LANGUAGE sql STABLE
RETURN calculated_priority(own, depth, blocked, source_weight(source));

-- The urgency of tasks that are submitted together, parallel to them, as if nothing were there yet but they. An edge goes from
-- the task at p_uppers to the one at p_lowers that it waits for, which stands before it; the edges are in the order of
-- p_uppers, or null where there are none. Those that are dead from the start neither count nor hand anything down.
CREATE OR REPLACE FUNCTION urgency_of_new(
    p_priorities smallint[], p_depths smallint[], p_sources text[], p_deadlines timestamptz[], p_estimates bigint[],
    p_dead uuid[], p_uppers int[], p_lowers int[],
    OUT calculated real[], OUT priorities real[], OUT starts timestamptz[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_edges    int := coalesce(cardinality(p_uppers), 0);
    v_blocked  int[];
    v_weighs   boolean;
BEGIN
    IF v_edges > 0 THEN
        v_blocked := array_fill(0, ARRAY[cardinality(p_priorities)]);
        FOR i IN 1 .. v_edges LOOP
            IF p_dead[p_uppers[i]] IS NULL THEN
                v_blocked[p_lowers[i]] := v_blocked[p_lowers[i]] + 1;
            END IF;
        END LOOP;
    END IF;
    v_weighs := EXISTS (SELECT FROM source_weights);
    calculated := ARRAY(
        SELECT calculated_priority(
            p_priorities[n], coalesce(p_depths[n], 0::smallint), coalesce(v_blocked[n], 0),
            CASE WHEN v_weighs THEN source_weight(p_sources[n]::task_source) ELSE 0 END)
        FROM generate_series(1, cardinality(p_priorities)) n);
    IF p_deadlines IS NOT NULL THEN
        starts := ARRAY(
            SELECT p_deadlines[n] - coalesce(p_estimates[n], 0) * interval '1 millisecond'
            FROM generate_series(1, cardinality(p_priorities)) n);
    END IF;
    priorities := calculated;
    -- From the last edge on: all that a task inherits is there when it hands on itself.
    FOR i IN REVERSE v_edges .. 1 LOOP
        IF p_dead[p_uppers[i]] IS NULL THEN
            priorities[p_lowers[i]] := greatest(priorities[p_lowers[i]], priorities[p_uppers[i]]);
            starts[p_lowers[i]] := least(starts[p_lowers[i]], starts[p_uppers[i]]);
        END IF;
    END LOOP;
END $f$;

-- What is added for tasks of these sources, and for no others. It counts for what is submitted or changes from now on.
CREATE OR REPLACE FUNCTION set_source_weights(p_sources text[], p_weights real[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    DELETE FROM source_weights w WHERE w.source::text <> ALL (p_sources);
    INSERT INTO source_weights AS w (source, weight)
    SELECT n.source::task_source, n.weight FROM unnest(p_sources, p_weights) n(source, weight)
    ON CONFLICT (source) DO UPDATE SET weight = EXCLUDED.weight WHERE w.weight <> EXCLUDED.weight;
END $f$;

-- Makes these single tasks as urgent as they are by now, and hands that on to what they wait for, and so on until nothing
-- changes: for whoever has added, ended, or changed the urgency of, tasks that wait for them, and for whoever has changed
-- their own. It computes anew from all that wait, so what grew less urgent sinks as well. Given are as many as the caller
-- likes; beyond them it changes at most 1,000. What then is left keeps the urgency that it had until the next change
-- reaches it: tasks run in a worse order, no other harm is done. So it is where more than 10,000 tasks wait for one: the
-- newest of these count, and what it has inherited does not sink. Answers whether all was reached.
--
-- Tasks are held before those that wait for them are looked at: whoever changed these either has committed, and is seen
-- here, or waits for us and will see ours. The order of holding is that of the graph, the deepest first, and by id among
-- equals; the copies come last, each kind by id: they are held by others who then hold nothing of this. A claimed task is
-- left as it is. May be called once in a transaction, after all of its own changes.
CREATE OR REPLACE FUNCTION hand_down(p_ids uuid[]) RETURNS boolean
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    -- What is still to be looked at. priorities and starts are what was handed to it, for where not all can be seen.
    v_ids          uuid[];
    v_depths       smallint[];
    v_priorities   real[];
    v_starts       timestamptz[];
    v_is_given     boolean[];
    -- The deepest of these.
    v_depth        smallint;
    v_level        uuid[];
    v_level_given  int;
    v_level_handed real[];
    v_level_starts timestamptz[];
    v_room         int := 1000;
    v_reached      boolean := true;
    v_new          record;
    -- Whose urgency has changed.
    v_changed      uuid[] := '{}';
    v_changed_p    real[] := '{}';
    v_changed_s    timestamptz[] := '{}';
BEGIN
    SELECT array_agg(i.id), array_agg(i.depth), array_agg(NULL::real), array_agg(NULL::timestamptz), array_agg(true)
    INTO v_ids, v_depths, v_priorities, v_starts, v_is_given
    FROM (SELECT DISTINCT u.id FROM unnest(p_ids) u(id)) u
    CROSS JOIN LATERAL (
        SELECT x.id, x.depth FROM task_instances x WHERE x.id = u.id AND x.source IS NOT NULL OFFSET 0) i;

    WHILE v_ids IS NOT NULL LOOP
        SELECT max(d.depth) INTO v_depth FROM unnest(v_depths) d(depth);
        -- Where there is no room for all, the most pressing go on.
        SELECT array_agg(l.id) FILTER (WHERE l.is_given OR l.others <= v_room),
               array_agg(l.priority) FILTER (WHERE l.is_given OR l.others <= v_room),
               array_agg(l.start) FILTER (WHERE l.is_given OR l.others <= v_room),
               count(*) FILTER (WHERE l.is_given),
               v_reached AND max(l.others) <= v_room
        INTO v_level, v_level_handed, v_level_starts, v_level_given, v_reached
        FROM (SELECT t.*, count(*) FILTER (WHERE NOT t.is_given) OVER (ORDER BY t.priority DESC, t.start, t.id) AS others
              FROM unnest(v_ids, v_depths, v_priorities, v_starts, v_is_given) t(id, depth, priority, start, is_given)
              WHERE t.depth = v_depth) l;
        SELECT array_agg(t.id), array_agg(t.depth), array_agg(t.priority), array_agg(t.start), array_agg(t.is_given)
        INTO v_ids, v_depths, v_priorities, v_starts, v_is_given
        FROM unnest(v_ids, v_depths, v_priorities, v_starts, v_is_given) t(id, depth, priority, start, is_given)
        WHERE t.depth < v_depth;
        CONTINUE WHEN v_level IS NULL;
        v_room := v_room - (cardinality(v_level) - v_level_given);

        PERFORM i.id
        FROM (SELECT u.id FROM unnest(v_level) u(id) ORDER BY u.id) u
        CROSS JOIN LATERAL (SELECT x.id FROM task_instances x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) i;

        WITH before AS MATERIALIZED (
            SELECT i.*, u.handed, u.handed_start, d.blocked, d.priority AS of_others, d.start AS start_of_others, d.has_more,
                   i.deadline - coalesce(i.estimate_ms, 0) * interval '1 millisecond' AS own_start,
                   calculated_priority(i.own_priority, i.depth, d.blocked, coalesce(w.weight, 0::real)) AS own
            FROM unnest(v_level, v_level_handed, v_level_starts) u(id, handed, handed_start)
            CROSS JOIN LATERAL (
                SELECT x.ctid AS place, x.id, x.own_priority, x.depth, x.source, x.deadline, x.estimate_ms,
                       x.calculated_priority, x.priority, x.must_start_by
                FROM task_instances x WHERE x.id = u.id OFFSET 0
            ) i
            CROSS JOIN LATERAL (
                SELECT count(o.priority)::int AS blocked, max(o.priority) AS priority, min(o.must_start_by) AS start,
                       count(*) = 10000 AS has_more
                FROM (SELECT x.dependent_id FROM task_dependencies x
                      WHERE x.prerequisite_id = u.id AND x.resolved_at IS NULL
                      ORDER BY x.prerequisite_id DESC, x.dependent_id DESC
                      LIMIT 10000) e
                LEFT JOIN LATERAL (
                    SELECT o.priority, o.must_start_by
                    FROM (SELECT x.id FROM task_wait x WHERE x.id = e.dependent_id OFFSET 0) w
                    CROSS JOIN LATERAL (
                        SELECT x.priority, x.must_start_by FROM task_instances x WHERE x.id = w.id OFFSET 0) o
                    OFFSET 0
                ) o ON true
            ) d
            LEFT JOIN source_weights w ON w.source = i.source
        ), after AS MATERIALIZED (
            SELECT b.*,
                   greatest(b.own, b.of_others, CASE WHEN b.has_more THEN greatest(b.priority, b.handed) END) AS new_priority,
                   least(b.own_start, b.start_of_others,
                         CASE WHEN b.has_more THEN least(b.must_start_by, b.handed_start) END) AS new_start
            FROM before b
        ), written AS (
            UPDATE task_instances i
            SET calculated_priority = a.own, priority = a.new_priority, must_start_by = a.new_start
            FROM after a
            WHERE i.ctid = a.place
              AND (i.calculated_priority, i.priority, i.must_start_by)
                  IS DISTINCT FROM (a.own, a.new_priority, a.new_start)
        )
        SELECT array_agg(a.id) AS ids, array_agg(a.new_priority) AS priorities, array_agg(a.new_start) AS starts
        INTO v_new
        FROM after a
        WHERE (a.priority, a.must_start_by) IS DISTINCT FROM (a.new_priority, a.new_start);
        CONTINUE WHEN v_new.ids IS NULL;
        v_changed := v_changed || v_new.ids;
        v_changed_p := v_changed_p || v_new.priorities;
        v_changed_s := v_changed_s || v_new.starts;

        SELECT array_agg(n.id), array_agg(n.depth), array_agg(n.priority), array_agg(n.start), array_agg(n.is_given)
        INTO v_ids, v_depths, v_priorities, v_starts, v_is_given
        FROM (SELECT t.id, min(t.depth) AS depth, max(t.priority) AS priority, min(t.start) AS start,
                     bool_or(t.is_given) AS is_given
              FROM (SELECT * FROM unnest(v_ids, v_depths, v_priorities, v_starts, v_is_given)
                           w(id, depth, priority, start, is_given)
                    UNION ALL
                    SELECT i.id, i.depth, c.priority, c.start, false
                    FROM unnest(v_new.ids, v_new.priorities, v_new.starts) c(id, priority, start)
                    CROSS JOIN LATERAL (
                        SELECT x.prerequisite_id AS id FROM task_dependencies x
                        WHERE x.dependent_id = c.id AND x.resolved_at IS NULL OFFSET 0) e
                    CROSS JOIN LATERAL (
                        SELECT x.id, x.depth FROM task_instances x WHERE x.id = e.id OFFSET 0) i) t
              GROUP BY t.id) n;
    END LOOP;

    IF cardinality(v_changed) > 0 THEN
        PERFORM copy_urgency(v_changed, v_changed_p, v_changed_s);
    END IF;
    RETURN v_reached;
END $f$;

-- Writes the urgency of these tasks, which are held, to where they wait or stand ready.
CREATE OR REPLACE FUNCTION copy_urgency(p_ids uuid[], p_priorities real[], p_starts timestamptz[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    PERFORM w.id
    FROM (SELECT u.id FROM unnest(p_ids) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM task_wait x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) w;
    UPDATE task_wait w SET priority = c.priority, must_start_by = c.start
    FROM (SELECT x.place, u.priority, u.start
          FROM unnest(p_ids, p_priorities, p_starts) u(id, priority, start)
          CROSS JOIN LATERAL (SELECT x.ctid AS place FROM task_wait x WHERE x.id = u.id OFFSET 0) x) c
    WHERE w.ctid = c.place;

    -- Who was released meanwhile by another transaction is found here, since its row was waited for.
    PERFORM r.id
    FROM (SELECT u.id FROM unnest(p_ids) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM task_ready x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) r;
    UPDATE task_ready r SET latest_start = c.latest_start, generation = DEFAULT
    FROM (SELECT x.place, latest_start(x.ready_at, u.priority, u.start) AS latest_start
          FROM unnest(p_ids, p_priorities, p_starts) u(id, priority, start)
          CROSS JOIN LATERAL (
              SELECT x.ctid AS place, x.ready_at FROM task_ready x WHERE x.id = u.id OFFSET 0) x) c
    WHERE r.ctid = c.place AND r.latest_start <> c.latest_start;

    IF EXISTS (SELECT FROM lock_waits) THEN
        PERFORM k.id
        FROM (SELECT u.id FROM unnest(p_ids) u(id) ORDER BY u.id) u
        CROSS JOIN LATERAL (SELECT x.id FROM lock_waits x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) k;
        UPDATE lock_waits k SET latest_start = c.latest_start
        FROM (SELECT x.place, latest_start(x.ready_at, u.priority, u.start) AS latest_start
              FROM unnest(p_ids, p_priorities, p_starts) u(id, priority, start)
              CROSS JOIN LATERAL (
                  SELECT x.ctid AS place, x.ready_at FROM lock_waits x WHERE x.id = u.id OFFSET 0) x) c
        WHERE k.ctid = c.place AND k.latest_start <> c.latest_start;
    END IF;
END $f$;

-- Holds the urgency of those among these tasks that are single, for whoever makes them ready by it in a later statement: who
-- changes it meanwhile waits, and finds them ready. They are held in the order of hand_down.
CREATE OR REPLACE FUNCTION hold_urgency(p_ids uuid[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT FROM unnest(p_ids) u(id) WHERE task_no_of(u.id) < 0) THEN
        PERFORM i.id
        FROM (SELECT u.id
              FROM unnest(p_ids) u(id)
              CROSS JOIN LATERAL (
                  SELECT x.depth FROM task_instances x WHERE x.id = u.id AND x.source IS NOT NULL OFFSET 0) i
              ORDER BY i.depth DESC, u.id) u
        CROSS JOIN LATERAL (SELECT x.id FROM task_instances x WHERE x.id = u.id OFFSET 0 FOR SHARE) i;
    END IF;
END $f$;

-- Changes how urgent a single task is that has not ended: 'patched', 'ended', or 'none' where the tenant has no such task.
-- A priority of null leaves it as it is, and so does p_sets_deadline where it is false; a deadline of null takes it away.
CREATE OR REPLACE FUNCTION patch_task(
    p_tenant int, p_id uuid, p_priority smallint, p_sets_deadline boolean, p_deadline timestamptz) RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    -- Not while a cascade cancels it, or those that wait for it.
    PERFORM hold_slots(ARRAY[p_id], true);
    PERFORM i.id FROM task_instances i
    WHERE i.id = p_id AND i.tenant_id = p_tenant AND i.source IS NOT NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 'none';
    ELSIF EXISTS (SELECT FROM task_states s WHERE s.id = p_id AND s.state >= 'succeeded') THEN
        RETURN 'ended';
    END IF;
    UPDATE task_instances i
    SET own_priority = coalesce(p_priority, i.own_priority),
        deadline = CASE WHEN p_sets_deadline THEN p_deadline ELSE i.deadline END,
        updated_at = clock_timestamp()
    WHERE i.id = p_id;
    PERFORM hand_down(ARRAY[p_id]);
    RETURN 'patched';
END $f$;

-- What waits for others no more, since it ended: these are as urgent as they are without it. For a caller who holds the slots
-- of all, as a cascade does; at most 1,000 of them are made so, the others keep what they had.
CREATE OR REPLACE FUNCTION forget_dependents(p_ids uuid[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_ids  uuid[];
BEGIN
    SELECT array_agg(p.id) INTO v_ids
    FROM (SELECT e.id
          FROM unnest(p_ids) u(id)
          CROSS JOIN LATERAL (
              SELECT x.prerequisite_id AS id FROM task_dependencies x
              WHERE x.dependent_id = u.id AND x.resolved_at IS NULL OFFSET 0) e
          -- Not NOT EXISTS: that may be asked of all ids for each one.
          EXCEPT
          SELECT x.id FROM unnest(p_ids) x(id)
          LIMIT 1000) p;
    IF v_ids IS NOT NULL THEN
        PERFORM hand_down(v_ids);
    END IF;
END $f$;
