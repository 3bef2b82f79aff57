-- Single tasks: how they come in, and what follows when they end.
--
-- Who submits a task that waits for others and who ends one of these must not miss each other: the first would count it as
-- open, the second not see the new edge. Rows could be locked for that, at a write for each task that ends. Instead a task
-- has one of 64 slots, by the time in its id, each an advisory lock of the transaction: those who end tasks share it, who
-- adds edges to what is outside of his submission has it alone. Both take all they need at once, in one order, and look
-- in later statements. Slots come after claims and keys, and before the rows of tasks.

-- The id of the single task with this number (1, 2, …) in a submission.
CREATE OR REPLACE FUNCTION single_id(base uuid, n int) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN overlay(base::text PLACING to_hex(2147483648 + n) FROM 29)::uuid;

-- Whether this is the id of a task that belongs to no run.
CREATE OR REPLACE FUNCTION is_single(id uuid) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN get_byte(uuid_send(id), 12) >= 128;

-- Holds the slots of these tasks until the transaction ends; null means all slots.
CREATE OR REPLACE FUNCTION hold_slots(p_ids uuid[], p_alone boolean) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_space  CONSTANT int := 1330795086;
    v_slot   int;
BEGIN
    FOR v_slot IN
        SELECT DISTINCT get_byte(uuid_send(u.id), 5) & 63 AS slot FROM unnest(p_ids) u(id)
        UNION SELECT generate_series(0, 63) WHERE p_ids IS NULL
        ORDER BY slot
    LOOP
        IF p_alone THEN
            PERFORM pg_advisory_xact_lock(v_space, v_slot);
        ELSE
            PERFORM pg_advisory_xact_lock_shared(v_space, v_slot);
        END IF;
    END LOOP;
END $f$;

-- What claimed tasks are, parallel to their ids: single ones by themselves, and of all what they are given, where that is known
-- and small: the input of one that waited for nothing, or that a handler in the node does, which is not given what others put
-- out; the params of a run that is this one task, unless it was sent back with another input. Else it is read when the task begins.
CREATE OR REPLACE FUNCTION describe_tasks(
    p_ids uuid[], p_versions int[],
    OUT tenants int[], OUT tenant_names text[], OUT definitions text[], OUT inputs text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    SELECT array_agg(i.tenant_id ORDER BY c.ordinal), array_agg(t.name ORDER BY c.ordinal),
           array_agg(i.definition::text ORDER BY c.ordinal), array_agg(coalesce(i.input, r.input) ORDER BY c.ordinal)
    INTO tenants, tenant_names, definitions, inputs
    FROM unnest(p_ids, p_versions) WITH ORDINALITY c(id, version, ordinal)
    LEFT JOIN LATERAL (
        SELECT x.tenant_id, x.definition,
               CASE WHEN (x.depth = 0 OR x.definition->>'type' = 'handler') AND (x.input IS NULL OR pg_column_size(x.input) <= 2048)
                    THEN coalesce(x.input::text, '{}') END AS input
        FROM task_instances x WHERE x.id = c.id AND c.version = 0 OFFSET 0
    ) i ON true
    LEFT JOIN LATERAL (SELECT x.name FROM tenants x WHERE x.id = i.tenant_id OFFSET 0) t ON true
    LEFT JOIN LATERAL (
        SELECT CASE WHEN p.run_id IS NULL THEN '{}' WHEN pg_column_size(p.params) <= 2048 THEN p.params::text END AS input
        FROM dag_versions v
        LEFT JOIN LATERAL (
            SELECT x.run_id, x.params FROM run_params x WHERE x.run_id = run_of(c.id) OFFSET 0) p ON true
        CROSS JOIN LATERAL (SELECT x.input FROM task_instances x WHERE x.id = c.id OFFSET 0) own
        WHERE v.id = c.version AND v.task_count = 1 AND own.input IS NULL OFFSET 0
    ) r ON true;
END $f$;

-- The parents of tasks where stored ones stand in for some, p_made[n] for p_ids[n]. Lists are long, so they are joined by hashes.
CREATE OR REPLACE FUNCTION parents_as_made(p_parents uuid[], p_ids uuid[], p_made uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE SET enable_nestloop = off AS $f$
    SELECT array_agg(coalesce(m.made, c.parent) ORDER BY c.ordinal)
    FROM unnest(p_parents) WITH ORDINALITY c(parent, ordinal) LEFT JOIN unnest(p_ids, p_made) m(id, made) ON m.id = c.parent
$f$;

-- Submits tasks: each submission whole or not at all, and each for itself. The first arrays are of submissions; p_of tells of
-- which of them a task is, p_ids are theirs: single_id of the base and of its number there. An edge goes from the task at p_dependents, counted over all tasks, to
-- the one at p_inner, which has to come before it, or to p_outer, which was there already: so edges close no cycle. Arrays
-- that are all null may be null.
--
-- Answers parallel to the submissions: 'created', 'repeated' (this very request came before: the reference is the base of what it
-- made), 'conflict' (its key was used for another one), 'refused' (the code says why, the task at which, the other is whom it is
-- about), 'again' (it met one that was refused: it is to be sent once more), 'no_tenant'. And parallel to the tasks, where what is
-- null as a whole is the same for all: ids are not the asked ones where a task that has the unique key stands in, and then it is
-- not new; all are new; all are ready; all have the depth 0.
--
-- Mostly a few plain tasks come in at a time, and what a statement costs before its first row is most of it. So there are few
-- statements, those that do nothing are left out, and columns are read by their subscripts: these arrays are expanded, each
-- unnest would be a table of its own.
DROP FUNCTION IF EXISTS submit_tasks(
    uuid[], int[], text[], text[], text[], text[], int[], int[], text[], text[], text[], text[], smallint[], timestamptz[],
    bigint[], text[], text[], uuid[], text[], text[], text[], timestamptz[], bigint[], text[], text[], text[], int[], int[],
    uuid[], int, int);
DROP FUNCTION IF EXISTS submit_tasks(
    uuid[], int[], text[], text[], text[], text[], int[], int[], text[], text[], text[], text[], smallint[], timestamptz[],
    bigint[], text[], text[], uuid[], text[], text[], text[], timestamptz[], bigint[], text[], text[], text[], int[], int[],
    uuid[], int, int, boolean[]);
CREATE OR REPLACE FUNCTION submit_tasks(
    p_bases uuid[], p_tenants int[], p_operations text[], p_keys text[], p_hashes text[], p_traceparents text[],
    p_of int[], p_ids uuid[], p_names text[], p_definitions text[], p_inputs text[], p_queues text[],
    p_priorities smallint[], p_deadlines timestamptz[], p_estimates bigint[], p_sources text[], p_creators text[],
    p_parents uuid[], p_sessions text[], p_dependency_types text[], p_tags text[], p_not_befores timestamptz[],
    p_timeouts bigint[], p_unique_keys text[], p_on_conflicts text[], p_concurrency_keys text[],
    p_dependents int[], p_inner int[], p_outer uuid[], p_max_dependencies int, p_max_depth int,
    p_waits boolean[],
    OUT verdicts text[], OUT refs uuid[], OUT codes text[], OUT tasks int[], OUT others uuid[], OUT created_at timestamptz,
    OUT ids uuid[], OUT is_new boolean[], OUT states text[], OUT depths smallint[], OUT priorities real[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now         timestamptz := clock_timestamp();
    v_count       int := cardinality(p_of);
    v_verdicts    text[] := array_fill('created'::text, ARRAY[cardinality(p_bases)]);
    v_references  uuid[] := p_bases;
    v_codes       text[];
    v_tasks       int[];
    v_others      uuid[];
    v_gone        int[];
    v_row         record;
    v_ids         uuid[] := p_ids;
    v_parents     uuid[] := p_parents;
    v_stands_in   boolean[];
    -- Which task of this call another one of it stands in for; null where that was there before.
    v_stands_for  int[];
    v_holder      int;
    v_returned    int;
    v_replaced    uuid[];
    v_alone       uuid[];
    v_depths      smallint[];
    v_unmet       int[];
    v_dead        uuid[];
    v_edges       int := 0;
    v_from        uuid[];
    v_to          uuid[];
    v_is_met      boolean[];
    v_uppers      int[];
    v_lowers      int[];
    v_urgency     record;
    v_calculated  real[];
    v_priorities  real[];
    v_starts      timestamptz[];
    v_is_new      boolean[];
    v_states      text[];
    v_outer       uuid[];
    v_inner       int;
    v_one         uuid;
    v_one_of      int;
    v_verdict     text;
    v_depth       int;
BEGIN
    IF NOT (1 = ALL (p_tenants)) THEN
        v_gone := gone_tenants(p_tenants);
    END IF;
    IF v_gone IS NOT NULL THEN
        v_verdicts := ARRAY(SELECT CASE WHEN s.tenant = ANY (v_gone) THEN 'no_tenant' ELSE 'created' END
                            FROM unnest(p_tenants) WITH ORDINALITY s(tenant, ordinal) ORDER BY s.ordinal);
    END IF;

    -- An equal key in another open transaction is waited for here.
    IF p_keys IS NOT NULL THEN
        FOR v_row IN
            SELECT k.ordinal::int, k.tenant, k.operation, k.key, k.hash, k.base
            FROM unnest(p_tenants, p_operations, p_keys, p_hashes, p_bases)
                 WITH ORDINALITY k(tenant, operation, key, hash, base, ordinal)
            WHERE k.key IS NOT NULL AND v_verdicts[k.ordinal] = 'created'
            ORDER BY k.tenant, k.operation, k.key, k.ordinal
        LOOP
            SELECT c.verdict, c.reference INTO v_verdict, v_one
            FROM claim_key(v_row.tenant, v_row.operation, v_row.key, v_row.hash, v_row.base) c;
            v_verdicts[v_row.ordinal] := CASE v_verdict WHEN 'fresh' THEN 'created' ELSE v_verdict END;
            v_references[v_row.ordinal] := v_one;
        END LOOP;
    END IF;
    -- Without a key: what is there under the same ids was made when this was asked first, and the answer was lost.
    FOREACH v_one_of IN ARRAY ARRAY(
        SELECT p_of[n] FROM generate_series(1, v_count) n
        CROSS JOIN LATERAL (SELECT FROM task_instances x WHERE x.id = p_ids[n] OFFSET 0) i
        WHERE n = 1 OR p_of[n] <> p_of[n - 1])
    LOOP
        IF v_verdicts[v_one_of] = 'created' THEN
            v_verdicts[v_one_of] := 'repeated';
        END IF;
    END LOOP;

    IF p_unique_keys IS NOT NULL THEN
        v_stands_in := array_fill(false, ARRAY[v_count]);
        FOR v_row IN
            SELECT t.ordinal::int, t.submission, p_tenants[t.submission] AS tenant, t.key, t.on_conflict,
                   lag(t.ordinal) OVER (PARTITION BY p_tenants[t.submission], t.key ORDER BY t.ordinal) IS NULL AS is_first
            FROM unnest(p_of, p_unique_keys, p_on_conflicts) WITH ORDINALITY t(submission, key, on_conflict, ordinal)
            WHERE t.key IS NOT NULL AND v_verdicts[t.submission] = 'created'
            ORDER BY 3, t.key, t.ordinal
        LOOP
            -- Of the tasks of this call with this key: which one has it, and which was the last that another one stands in for.
            IF v_row.is_first THEN
                v_holder := NULL;
                v_returned := NULL;
            END IF;
            -- Again where the one that stood in the way ended before it could be read.
            LOOP
                INSERT INTO unique_keys (tenant_id, key, task_id) VALUES (v_row.tenant, v_row.key, v_ids[v_row.ordinal])
                ON CONFLICT DO NOTHING;
                IF FOUND THEN
                    v_holder := v_row.ordinal;
                    EXIT;
                END IF;
                SELECT u.task_id INTO v_one FROM unique_keys u
                WHERE u.tenant_id = v_row.tenant AND u.key = v_row.key;
                CONTINUE WHEN NOT FOUND;
                v_one := coalesce(v_ids[v_holder], v_one);
                IF v_row.on_conflict = 'return' THEN
                    v_ids[v_row.ordinal] := v_one;
                    v_stands_in[v_row.ordinal] := true;
                    v_stands_for[v_row.ordinal] := v_holder;
                    v_returned := v_row.ordinal;
                ELSIF v_row.on_conflict = 'replace' AND v_holder IS NULL
                      AND p_of[v_returned] IS DISTINCT FROM v_row.submission THEN
                    v_replaced := coalesce(v_replaced, array_fill(NULL::uuid, ARRAY[v_count]));
                    v_replaced[v_row.ordinal] := v_one;
                    v_holder := v_row.ordinal;
                ELSIF v_row.on_conflict = 'replace' AND p_of[v_holder] <> v_row.submission THEN
                    -- That of a submission beside this one: to be replaced once it is there.
                    v_verdicts[v_row.submission] := 'again';
                ELSE
                    v_verdicts[v_row.submission] := 'refused';
                    v_codes[v_row.submission] := 'unique_key_taken';
                    v_tasks[v_row.submission] := v_row.ordinal;
                    -- Where it is its own, that one of the submission's tasks which met it first.
                    v_others[v_row.submission] := CASE
                        WHEN p_of[coalesce(v_holder, v_returned)] = v_row.submission THEN p_ids[coalesce(v_holder, v_returned)]
                        ELSE v_one END;
                END IF;
                EXIT;
            END LOOP;
        END LOOP;
        IF true = ANY (v_stands_in) AND p_parents IS NOT NULL THEN
            v_parents := parents_as_made(p_parents, p_ids, v_ids);
        END IF;
    END IF;

    -- Of what tasks are to wait for and what is to wait for its children: neither ends unseen.
    v_alone := CASE WHEN v_parents IS NULL AND cardinality(p_dependents) = 0 THEN NULL ELSE ARRAY(
        SELECT coalesce(e.outer_id, v_ids[e.inner_no])
        FROM unnest(p_inner, p_outer) e(inner_no, outer_id)
        WHERE e.outer_id IS NOT NULL OR v_stands_in[e.inner_no]
        UNION
        SELECT t.parent FROM unnest(p_of, v_parents) t(submission, parent)
        WHERE t.parent IS NOT NULL AND run_of(t.parent) <> p_bases[t.submission]) END;
    IF cardinality(v_alone) > 0 AND cardinality(p_dependents) > 0 THEN
        PERFORM hold_graphs(p_tenants, v_parents IS NOT NULL);
    END IF;
    IF v_replaced IS NOT NULL THEN
        PERFORM hold_slots(NULL, true);
    ELSIF cardinality(v_alone) > 0 THEN
        PERFORM hold_slots(v_alone, true);
    END IF;

    IF v_parents IS NOT NULL THEN
        FOR v_row IN
            SELECT DISTINCT ON (t.submission) t.submission, t.ordinal::int, t.parent,
                   CASE WHEN o.is_inner OR i.id IS NULL THEN 'unknown_parent' ELSE 'parent_cancelled' END AS code
            FROM unnest(p_of, p_ids, v_parents) WITH ORDINALITY t(submission, id, parent, ordinal)
            CROSS JOIN LATERAL (SELECT run_of(t.parent) = p_bases[t.submission] AS is_inner) o
            LEFT JOIN LATERAL (
                SELECT x.id, EXISTS (SELECT FROM cancel_requests q WHERE q.task_id = x.id) AS is_asked,
                       (SELECT a.state FROM task_attempts a WHERE a.task_id = x.id ORDER BY a.attempt DESC LIMIT 1) AS state
                FROM task_instances x
                WHERE x.id = t.parent AND x.tenant_id = p_tenants[t.submission] OFFSET 0) i ON true
            WHERE t.parent IS NOT NULL AND v_verdicts[t.submission] = 'created'
              -- Who submits sees to it that inner parents are not below themselves.
              AND CASE WHEN o.is_inner THEN NOT is_single(t.parent) OR t.parent = t.id
                       WHEN i.id IS NULL THEN t.parent <> ALL (p_ids)
                       ELSE i.is_asked OR i.state = 'cancelled' END
            ORDER BY t.submission, t.ordinal
        LOOP
            v_verdicts[v_row.submission] := 'refused';
            v_codes[v_row.submission] := v_row.code;
            v_tasks[v_row.submission] := v_row.ordinal;
            v_others[v_row.submission] := v_row.parent;
        END LOOP;
    END IF;

    IF cardinality(p_dependents) > 0 THEN
        v_depths := array_fill(0::smallint, ARRAY[v_count]);
        v_unmet := array_fill(0, ARRAY[v_count]);
        v_dead := array_fill(NULL::uuid, ARRAY[v_count]);
        FOR v_row IN
            SELECT DISTINCT ON (e.dependent, e.id)
                   e.dependent, p_of[e.dependent] AS submission, e.inner_no, e.id, i.id AS known, i.depth, a.state
            FROM (SELECT x.dependent, x.inner_no, coalesce(x.outer_id, v_ids[x.inner_no]) AS id
                  FROM unnest(p_dependents, p_inner, p_outer) x(dependent, inner_no, outer_id)) e
            LEFT JOIN LATERAL (
                SELECT x.id, x.depth FROM task_instances x
                WHERE x.id = e.id AND x.tenant_id = p_tenants[p_of[e.dependent]] AND x.source IS NOT NULL OFFSET 0) i ON true
            LEFT JOIN LATERAL (
                SELECT x.state FROM task_attempts x WHERE x.task_id = i.id ORDER BY x.attempt DESC LIMIT 1) a ON true
            ORDER BY e.dependent, e.id
        LOOP
            CONTINUE WHEN v_verdicts[v_row.submission] <> 'created' OR v_stands_in[v_row.dependent];
            v_inner := CASE WHEN v_stands_in[v_row.inner_no] THEN v_stands_for[v_row.inner_no] ELSE v_row.inner_no END;
            v_depth := 1 + coalesce(v_depths[v_inner], v_row.depth);
            IF v_row.id = v_ids[v_row.dependent] THEN
                v_codes[v_row.submission] := 'self_dependency';
            ELSIF v_inner IS NULL AND v_row.known IS NULL THEN
                v_codes[v_row.submission] := 'unknown_prerequisite';
            ELSIF v_inner >= v_row.dependent THEN
                v_codes[v_row.submission] := 'cycle';
            ELSIF v_depth > p_max_depth THEN
                v_codes[v_row.submission] := 'too_deep';
            END IF;
            IF v_codes[v_row.submission] IS NOT NULL THEN
                v_verdicts[v_row.submission] := 'refused';
                v_tasks[v_row.submission] := v_row.dependent;
                v_others[v_row.submission] := v_row.id;
                CONTINUE;
            END IF;
            v_depths[v_row.dependent] := greatest(v_depths[v_row.dependent], v_depth);
            v_edges := v_edges + 1;
            IF v_inner IS NOT NULL THEN
                v_uppers := v_uppers || v_row.dependent;
                v_lowers := v_lowers || v_inner;
            END IF;
            v_from[v_edges] := v_ids[v_row.dependent];
            v_to[v_edges] := v_row.id;
            v_is_met[v_edges] := v_inner IS NULL AND v_row.state IS NOT DISTINCT FROM 'succeeded';
            IF NOT v_is_met[v_edges] THEN
                v_unmet[v_row.dependent] := v_unmet[v_row.dependent] + 1;
                IF v_inner IS NULL THEN
                    v_outer := v_outer || v_row.id;
                END IF;
                IF v_inner IS NULL AND v_row.state >= 'succeeded' THEN
                    v_dead[v_row.dependent] := v_row.id;
                ELSIF v_dead[v_inner] IS NOT NULL THEN
                    v_dead[v_row.dependent] := v_ids[v_inner];
                END IF;
            END IF;
        END LOOP;
        FOR v_row IN
            SELECT t.submission, min(t.ordinal)::int AS task
            FROM (SELECT p_of[e.dependent] AS submission, e.dependent AS ordinal, count(*) AS edges
                  FROM unnest(p_dependents) e(dependent) GROUP BY 1, 2) t
            WHERE t.edges > p_max_dependencies AND v_verdicts[t.submission] = 'created'
            GROUP BY t.submission
        LOOP
            v_verdicts[v_row.submission] := 'refused';
            v_codes[v_row.submission] := 'too_many_dependencies';
            v_tasks[v_row.submission] := v_row.task;
        END LOOP;
    END IF;

    IF v_parents IS NOT NULL AND v_edges > 0 THEN
        FOR v_row IN
            SELECT DISTINCT ON (p_of[c.ordinal]) c.ordinal, p_of[c.ordinal] AS submission, c.parent
            FROM children_behind_parents(v_ids, v_parents, p_waits, v_from, v_to) c
            WHERE v_verdicts[p_of[c.ordinal]] = 'created'
            ORDER BY p_of[c.ordinal], c.ordinal
        LOOP
            v_verdicts[v_row.submission] := 'refused';
            v_codes[v_row.submission] := 'cycle';
            v_tasks[v_row.submission] := v_row.ordinal;
            v_others[v_row.submission] := v_row.parent;
        END LOOP;
    END IF;

    IF v_replaced IS NOT NULL THEN
        FOR v_row IN
            SELECT u.ordinal::int, p_of[u.ordinal] AS submission, u.id
            FROM unnest(v_replaced) WITH ORDINALITY u(id, ordinal)
            WHERE u.id IS NOT NULL AND v_verdicts[p_of[u.ordinal]] = 'created'
            ORDER BY u.ordinal
        LOOP
            -- Its row is held from here on: it does not begin.
            IF NOT hold_unbegun(v_row.id) THEN
                v_verdicts[v_row.submission] := 'refused';
                v_codes[v_row.submission] := 'unique_key_taken';
                v_tasks[v_row.submission] := v_row.ordinal;
                v_others[v_row.submission] := v_row.id;
                CONTINUE;
            END IF;
            UPDATE unique_keys u SET task_id = v_ids[v_row.ordinal] WHERE u.task_id = v_row.id;
            IF NOT FOUND THEN
                v_verdicts[v_row.submission] := 'again';
            END IF;
        END LOOP;
    END IF;

    IF 'refused' = ANY (v_verdicts) OR 'again' = ANY (v_verdicts) THEN
        -- Who met the task of one that is not made now met nothing, and who met the task of such a one did not either.
        LOOP
            FOR v_row IN
                SELECT DISTINCT m.submission
                FROM (SELECT t.submission, run_of(t.id) AS base
                      FROM unnest(p_of, v_ids, v_stands_in) t(submission, id, stands_in)
                      WHERE t.stands_in AND v_verdicts[t.submission] IN ('created', 'refused')
                      UNION ALL
                      SELECT n, run_of(v_others[n]) FROM generate_series(1, cardinality(p_bases)) n
                      WHERE v_verdicts[n] = 'refused' AND v_codes[n] = 'unique_key_taken') m
                JOIN unnest(p_bases, v_verdicts) s(base, verdict) ON s.base = m.base
                WHERE s.verdict IN ('refused', 'again') AND m.base <> p_bases[m.submission]
            LOOP
                v_verdicts[v_row.submission] := 'again';
            END LOOP;
            EXIT WHEN NOT FOUND;
        END LOOP;
        IF v_replaced IS NOT NULL THEN
            -- Those that are not replaced after all have their keys again.
            UPDATE unique_keys u SET task_id = r.id
            FROM unnest(v_replaced, v_ids, p_of) r(id, by, submission)
            WHERE r.id IS NOT NULL AND u.task_id = r.by AND v_verdicts[r.submission] IN ('refused', 'again');
        END IF;
        IF v_uppers IS NOT NULL THEN
            SELECT array_agg(e.upper ORDER BY e.ordinal), array_agg(e.lower ORDER BY e.ordinal) INTO v_uppers, v_lowers
            FROM unnest(v_uppers, v_lowers) WITH ORDINALITY e(upper, lower, ordinal)
            WHERE v_verdicts[p_of[e.upper]] = 'created';
        END IF;
        DELETE FROM idempotency_keys k
        USING unnest(v_verdicts, p_tenants, p_operations, p_keys) s(verdict, tenant, operation, key)
        WHERE s.verdict IN ('refused', 'again') AND k.tenant_id = s.tenant AND k.operation = s.operation AND k.key = s.key;
        DELETE FROM unique_keys u
        USING unnest(p_of, v_ids, v_stands_in) t(submission, id, stands_in)
        WHERE u.task_id = t.id AND NOT t.stands_in AND v_verdicts[t.submission] IN ('refused', 'again');
    END IF;

    v_urgency := urgency_of_new(p_priorities, v_depths, p_sources, p_deadlines, p_estimates, v_dead, v_uppers, v_lowers);
    v_calculated := v_urgency.calculated;
    v_priorities := v_urgency.priorities;
    v_starts := v_urgency.starts;

    IF EXISTS (SELECT FROM (SELECT DISTINCT u.name FROM unnest(p_queues) u(name)) q
               WHERE NOT EXISTS (SELECT FROM queues x WHERE x.name = q.name OFFSET 0)) THEN
        INSERT INTO queues (name)
        SELECT DISTINCT q.name FROM unnest(p_queues) q(name)
        WHERE NOT starts_with(q.name, 'agent/') AND NOT EXISTS (SELECT FROM queues x WHERE x.name = q.name OFFSET 0)
        ON CONFLICT DO NOTHING;
    END IF;

    IF NOT (1 = ALL (p_tenants)) THEN
        INSERT INTO tenant_queues (tenant_id, name)
        SELECT DISTINCT s.tenant, t.queue
        FROM unnest(p_of, p_queues) t(submission, queue)
        JOIN unnest(p_tenants, v_verdicts) WITH ORDINALITY s(tenant, verdict, ordinal) ON s.ordinal = t.submission
        WHERE s.tenant > 1 AND s.verdict = 'created' AND NOT starts_with(t.queue, 'agent/')
          AND NOT EXISTS (SELECT FROM tenant_queues x WHERE x.tenant_id = s.tenant AND x.name = t.queue OFFSET 0)
        ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
    END IF;

    IF v_stands_in IS NOT NULL OR v_unmet IS NOT NULL OR p_not_befores IS NOT NULL OR NOT ('created' = ALL (v_verdicts)) THEN
        SELECT array_agg(v_verdicts[t.submission] = 'created' AND t.stands_in IS NOT TRUE ORDER BY t.ordinal),
               array_agg(CASE WHEN t.dead IS NOT NULL THEN 'cancelled'
                              WHEN t.unmet > 0 THEN 'blocked'
                              WHEN t.not_before > v_now THEN 'pending'
                              ELSE 'ready' END ORDER BY t.ordinal)
        INTO v_is_new, v_states
        FROM unnest(p_of, v_stands_in, v_unmet, v_dead, p_not_befores)
             WITH ORDINALITY t(submission, stands_in, unmet, dead, not_before, ordinal);
    END IF;

    -- Each kind of row by a statement of its own, which costs nothing where there is none of it.
    INSERT INTO task_instances (
        id, tenant_id, version_id, queue, priority, must_start_by, created_at, name, definition, input, own_priority,
        calculated_priority, deadline, estimate_ms, depth, source, created_by, parent_id, session_id,
        dependency_type, tags, not_before, timeout_ms, unique_key, concurrency_key, waits_for_children)
    SELECT v_ids[n], p_tenants[p_of[n]], 0, p_queues[n], v_priorities[n], v_starts[n], v_now, p_names[n],
           p_definitions[n]::json, p_inputs[n]::json, p_priorities[n], v_calculated[n], p_deadlines[n], p_estimates[n],
           coalesce(v_depths[n], 0), p_sources[n]::task_source, p_creators[n], v_parents[n], p_sessions[n],
           p_dependency_types[n]::dependency_type, string_to_array(p_tags[n], chr(31)), p_not_befores[n], p_timeouts[n],
           p_unique_keys[n], p_concurrency_keys[n], CASE WHEN p_waits[n] THEN true END
    FROM generate_series(1, v_count) n
    WHERE v_is_new[n] IS NOT FALSE;
    INSERT INTO task_ready (id, queue, latest_start, version_id, has_locks, ready_at)
    SELECT v_ids[n], p_queues[n], latest_start(v_now, v_priorities[n], v_starts[n]), 0,
           CASE WHEN p_concurrency_keys[n] IS NOT NULL THEN true END, v_now
    FROM generate_series(1, v_count) n
    WHERE v_is_new[n] IS NOT FALSE AND coalesce(v_states[n], 'ready') = 'ready';
    IF v_unmet IS NOT NULL THEN
        INSERT INTO task_wait (id, version_id, unmet, queue, priority, must_start_by)
        SELECT v_ids[n], 0, v_unmet[n], p_queues[n], v_priorities[n], v_starts[n]
        FROM generate_series(1, v_count) n
        WHERE v_is_new[n] AND v_states[n] = 'blocked';
        INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at, error)
        SELECT t.id, 0, 0, 'cancelled', 'cancelled', v_now, prerequisite_failed(t.dead)
        FROM unnest(v_ids, v_is_new, v_dead) t(id, is_new, dead) WHERE t.is_new AND t.dead IS NOT NULL;
    END IF;
    IF p_not_befores IS NOT NULL THEN
        INSERT INTO task_timers (ref, kind, due_at, attempt, failures)
        SELECT t.id, 'delay', t.not_before, 0, 0
        FROM unnest(v_ids, v_is_new, v_states, p_not_befores) t(id, is_new, state, not_before)
        WHERE t.is_new AND t.state = 'pending';
    END IF;
    IF p_waits IS NOT NULL THEN
        INSERT INTO task_parents (task_id)
        SELECT v_ids[n] FROM generate_series(1, v_count) n
        WHERE p_waits[n] AND v_is_new[n] IS NOT FALSE AND v_states[n] IS DISTINCT FROM 'cancelled';
    END IF;
    IF v_parents IS NOT NULL THEN
        UPDATE task_parents p
        SET open = p.open + c.count - c.dead, bad = p.bad + c.dead
        FROM (SELECT t.parent_id, count(*)::int AS count, count(t.dead)::int AS dead
              FROM unnest(v_is_new, v_parents, v_dead) t(is_new, parent_id, dead)
              WHERE t.is_new IS NOT FALSE AND t.parent_id IS NOT NULL GROUP BY t.parent_id) c
        WHERE p.task_id = c.parent_id AND p.open IS NOT NULL;
    END IF;

    verdicts := v_verdicts;
    refs := v_references;
    IF v_codes IS NOT NULL THEN
        -- From one on, as whoever reads them counts.
        SELECT array_agg(v_codes[n] ORDER BY n), array_agg(v_tasks[n] ORDER BY n), array_agg(v_others[n] ORDER BY n)
        INTO codes, tasks, others
        FROM generate_series(1, cardinality(p_bases)) n;
    END IF;
    created_at := v_now;
    ids := v_ids;
    is_new := v_is_new;
    states := v_states;
    depths := v_depths;
    priorities := v_calculated;
    IF v_stands_in IS NOT NULL THEN
        states := ARRAY(SELECT CASE WHEN v_stands_in[n] AND v_verdicts[p_of[n]] = 'created'
                                    THEN (SELECT x.state::text FROM task_states x WHERE x.id = v_ids[n]) ELSE v_states[n] END
                        FROM generate_series(1, v_count) n);
    END IF;

    IF p_traceparents IS NOT NULL THEN
        INSERT INTO run_traces (run_id, traceparent)
        SELECT s.base, s.traceparent FROM unnest(p_bases, p_traceparents, v_verdicts) s(base, traceparent, verdict)
        WHERE s.traceparent IS NOT NULL AND s.verdict = 'created';
    END IF;
    IF v_edges > 0 THEN
        INSERT INTO task_dependencies (dependent_id, prerequisite_id, dependency_type, created_at, resolved_at)
        SELECT e.dependent, e.prerequisite, i.dependency_type, v_now, CASE WHEN e.is_met THEN v_now END
        FROM unnest(v_from, v_to, v_is_met) e(dependent, prerequisite, is_met)
        CROSS JOIN LATERAL (SELECT x.dependency_type FROM task_instances x WHERE x.id = e.dependent OFFSET 0) i;
        IF v_outer IS NOT NULL THEN
            PERFORM hand_down(v_outer);
        END IF;
    END IF;
    IF v_replaced IS NOT NULL THEN
        PERFORM replace_tasks(
            array_agg(r.id ORDER BY r.id), array_agg(r.by ORDER BY r.id))
        FROM unnest(v_replaced, v_ids, p_of) r(id, by, submission)
        WHERE r.id IS NOT NULL AND v_verdicts[r.submission] = 'created';
    END IF;
    IF v_dead IS NOT NULL THEN
        DELETE FROM unique_keys u WHERE u.task_id = ANY (ARRAY(
            SELECT t.id FROM unnest(v_ids, v_dead, v_stands_in) t(id, dead, stands_in)
            WHERE t.dead IS NOT NULL AND t.stands_in IS NOT TRUE));
    END IF;
END $f$;

-- Whether anything waits for one of these tasks, or one of them for anything.
CREATE OR REPLACE FUNCTION has_open_edges(p_ids uuid[]) RETURNS boolean
LANGUAGE plpgsql AS $f$
BEGIN
    RETURN EXISTS (
        SELECT FROM unnest(p_ids) u(id)
        CROSS JOIN LATERAL (
            SELECT x.id FROM task_dependencies x WHERE x.prerequisite_id = u.id AND x.resolved_at IS NULL LIMIT 1) e
        UNION ALL
        SELECT FROM unnest(p_ids) u(id)
        CROSS JOIN LATERAL (
            SELECT x.id FROM task_dependencies x WHERE x.dependent_id = u.id AND x.resolved_at IS NULL LIMIT 1) e);
END $f$;

-- Holds the slots that are needed for what follows from these changes, see settle_tasks; whoever holds rows of tasks or of what
-- they wait for before it comes there calls this first. Answers whether other tasks are to be cancelled.
--
-- A cascade ends tasks that nobody knows yet, and lowers what these waited for: it takes all slots, at once as everybody
-- does, and alone, since it comes to rows in no order. So do ends in a family, which may be the end of parents.
CREATE OR REPLACE FUNCTION hold_slots_of(p_changes task_change[]) RETURNS boolean
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_ended     uuid[];
    v_bad       uuid[];
    v_cascades  boolean;
BEGIN
    SELECT array_agg(c.id), array_agg(c.id) FILTER (WHERE c.to_state <> 'succeeded') INTO v_ended, v_bad
    FROM unnest(p_changes) c WHERE c.to_state >= 'succeeded' AND c.task_no < 0;
    IF v_ended IS NULL THEN
        RETURN false;
    END IF;
    v_cascades := has_open_edges(v_bad) OR is_in_family(v_ended);
    PERFORM hold_slots(CASE WHEN NOT v_cascades THEN v_ended END, v_cascades);
    IF NOT v_cascades AND (has_open_edges(v_bad) OR is_in_family(v_ended)) THEN
        RAISE EXCEPTION 'somebody has just begun to wait for a task that ended: try again'
            USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN v_cascades;
END $f$;

-- Whether one of these tasks waits for its children, or is a child of one that does.
CREATE OR REPLACE FUNCTION is_in_family(p_ids uuid[]) RETURNS boolean
LANGUAGE plpgsql AS $f$
BEGIN
    RETURN EXISTS (SELECT FROM task_parents) AND EXISTS (
        SELECT FROM unnest(p_ids) u(id)
        CROSS JOIN LATERAL (SELECT x.id, x.parent_id FROM task_instances x WHERE x.id = u.id OFFSET 0) i
        JOIN task_parents p ON p.task_id IN (i.id, i.parent_id));
END $f$;

-- Holds the row of a task that has not begun, in the order of a task's life; false where it has.
CREATE OR REPLACE FUNCTION hold_unbegun(p_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    PERFORM w.id FROM task_wait w WHERE w.id = p_id FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM t.ref FROM task_timers t WHERE t.ref = p_id AND t.kind = 'delay' FOR UPDATE;
        IF NOT FOUND THEN
            PERFORM r.id FROM task_ready r WHERE r.id = p_id FOR UPDATE;
            IF NOT FOUND THEN
                PERFORM k.id FROM lock_waits k WHERE k.id = p_id FOR UPDATE;
            END IF;
        END IF;
    END IF;
    RETURN FOUND;
END $f$;

-- Cancels tasks that have not begun, whose rows are held, since others take their place and key. All slots are held alone.
CREATE OR REPLACE FUNCTION replace_tasks(p_ids uuid[], p_by uuid[]) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    DELETE FROM task_wait w WHERE w.id = ANY (p_ids);
    DELETE FROM task_timers t WHERE t.ref = ANY (p_ids);
    PERFORM withdraw_tasks(p_ids);
    DELETE FROM task_parents p WHERE p.task_id = ANY (p_ids);
    PERFORM record_cancelled(p_ids, ARRAY(
        SELECT 'replaced: task ' || b.id || ' was given its unique key'
        FROM unnest(p_by) WITH ORDINALITY b(id, ordinal) ORDER BY b.ordinal));
    -- What is below them is soon cancelled as well.
    INSERT INTO tree_cancels (task_id, after_id)
    SELECT u.id, '00000000-0000-0000-0000-000000000000' FROM unnest(p_ids) u(id)
    WHERE EXISTS (SELECT FROM task_instances i WHERE i.parent_id = u.id)
    ON CONFLICT DO NOTHING;
    PERFORM settle_tasks(ARRAY(
        SELECT (u.id, NULL, task_no_of(u.id), 0, 'ready', 'cancelled', 0, 0, NULL, NULL)::task_change FROM unnest(p_ids) u(id)));
END $f$;

-- What is recorded of a task that was cancelled because of another one.
CREATE OR REPLACE FUNCTION prerequisite_failed(id uuid) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'prerequisite_failed: task ' || id || ' did not succeed';

-- What follows from single tasks that changed their state: those that waited for them become ready, or end cancelled, with
-- all that waits for these, when one did not succeed. Answers the queues in which tasks became ready.
CREATE OR REPLACE FUNCTION settle_tasks(p_changes task_change[]) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_done      uuid[];
    v_bad       uuid[];
    v_is_alone  boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM unnest(p_changes) c WHERE c.to_state >= 'succeeded') THEN
        RETURN '{}';
    END IF;
    v_is_alone := hold_slots_of(p_changes);
    IF v_is_alone AND EXISTS (SELECT FROM task_parents) THEN
        p_changes := keep_parents_open(p_changes);
    END IF;
    SELECT array_agg(c.id) FILTER (WHERE c.to_state = 'succeeded'), array_agg(c.id) FILTER (WHERE c.to_state > 'succeeded')
    INTO v_done, v_bad
    FROM unnest(p_changes) c WHERE c.to_state >= 'succeeded';
    RETURN settle_ended(v_done, v_bad, NULL, v_is_alone);
END $f$;

-- So many of what these tasks wait for are done; the ids are in order. Answers the queues in which tasks became ready.
CREATE OR REPLACE FUNCTION release_tasks(p_ids uuid[], p_counts int[]) RETURNS text[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now     timestamptz := clock_timestamp();
    v_queues  text[];
BEGIN
    PERFORM w.id
    FROM unnest(p_ids) u(id)
    CROSS JOIN LATERAL (SELECT x.id FROM task_wait x WHERE x.id = u.id OFFSET 0 FOR UPDATE) w;

    WITH blocked AS MATERIALIZED (
        SELECT w.place, w.unmet - m.count AS unmet
        FROM unnest(p_ids, p_counts) m(id, count)
        CROSS JOIN LATERAL (SELECT x.ctid AS place, x.unmet FROM task_wait x WHERE x.id = m.id OFFSET 0) w
    ), lowered AS (
        UPDATE task_wait w SET unmet = b.unmet FROM blocked b WHERE w.ctid = b.place AND b.unmet > 0
    ), released AS (
        DELETE FROM task_wait w USING blocked b WHERE w.ctid = b.place AND b.unmet = 0
        RETURNING w.id, w.queue, w.priority, w.must_start_by, w.attempt
    ), known AS MATERIALIZED (
        SELECT r.id, r.queue, r.priority, r.must_start_by, r.attempt, i.not_before, i.not_before > v_now AS is_early,
               i.concurrency_key
        FROM released r
        CROSS JOIN LATERAL (
            SELECT x.not_before, x.concurrency_key FROM task_instances x WHERE x.id = r.id OFFSET 0) i
    ), delayed AS (
        INSERT INTO task_timers (ref, kind, due_at, attempt, failures)
        SELECT k.id, 'delay', k.not_before, k.attempt, 0 FROM known k WHERE k.is_early
    ), ready AS (
        INSERT INTO task_ready (id, queue, latest_start, version_id, attempt, has_locks, ready_at)
        SELECT k.id, k.queue, latest_start(v_now, k.priority, k.must_start_by), 0, k.attempt,
               CASE WHEN k.concurrency_key IS NOT NULL THEN true END, v_now
        FROM known k WHERE k.is_early IS NOT TRUE
    )
    SELECT coalesce(array_agg(DISTINCT k.queue), '{}') INTO v_queues FROM known k WHERE k.is_early IS NOT TRUE;
    RETURN v_queues;
END $f$;

-- Cancels what waits for these tasks, and what waits for that: level by level, at most 10,000 in one transaction. What is
-- left then is still blocked, and found through task_cascades. Answers those that it cancelled.
DROP FUNCTION IF EXISTS cancel_dependents(uuid[]);
CREATE FUNCTION cancel_dependents(p_ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_level  uuid[] := p_ids;
    v_room   int := cascade_room();
    v_ids    uuid[];
    v_by     uuid[];
    v_all    uuid[] := p_ids;
    v_gone   uuid[] := '{}';
BEGIN
    WHILE v_level IS NOT NULL LOOP
        SELECT array_agg(d.id ORDER BY d.id), array_agg(d.by ORDER BY d.id) INTO v_ids, v_by
        FROM (SELECT DISTINCT ON (w.id) w.id, u.id AS by
              FROM unnest(v_level) u(id)
              CROSS JOIN LATERAL (
                  SELECT x.dependent_id FROM task_dependencies x
                  WHERE x.prerequisite_id = u.id AND x.resolved_at IS NULL OFFSET 0) e
              CROSS JOIN LATERAL (SELECT x.id FROM task_wait x WHERE x.id = e.dependent_id OFFSET 0) w
              ORDER BY w.id
              LIMIT v_room + 1) d;
        EXIT WHEN v_ids IS NULL;
        IF cardinality(v_ids) > v_room THEN
            INSERT INTO task_cascades (prerequisite_id) SELECT u.id FROM unnest(v_level) u(id) ON CONFLICT DO NOTHING;
            v_ids := v_ids[:v_room];
            v_by := v_by[:v_room];
        END IF;
        v_room := v_room - cardinality(v_ids);
        PERFORM w.id
        FROM unnest(v_ids) u(id)
        CROSS JOIN LATERAL (SELECT x.id FROM task_wait x WHERE x.id = u.id OFFSET 0 FOR UPDATE) w;
        WITH gone AS MATERIALIZED (
            DELETE FROM task_wait w WHERE w.id = ANY (v_ids) RETURNING w.id
        )
        SELECT array_agg(g.id ORDER BY a.ordinal), array_agg(a.by ORDER BY a.ordinal) INTO v_level, v_by
        FROM gone g JOIN unnest(v_ids, v_by) WITH ORDINALITY a(id, by, ordinal) ON a.id = g.id;
        PERFORM record_cancelled(v_level, ARRAY(
            SELECT prerequisite_failed(b.id) FROM unnest(v_by) WITH ORDINALITY b(id, ordinal) ORDER BY b.ordinal));
        v_gone := v_gone || v_level;
        v_all := v_all || v_level;
        IF EXISTS (SELECT FROM unique_keys) THEN
            DELETE FROM unique_keys u WHERE u.task_id = ANY (v_level);
        END IF;
        IF EXISTS (SELECT FROM task_parents) THEN
            DELETE FROM task_parents p WHERE p.task_id = ANY (v_level);
        END IF;
        IF v_room = 0 THEN
            INSERT INTO task_cascades (prerequisite_id)
            SELECT u.id FROM unnest(v_level) u(id)
            CROSS JOIN LATERAL (
                SELECT x.id FROM task_dependencies x
                WHERE x.prerequisite_id = u.id AND x.resolved_at IS NULL LIMIT 1) e
            ON CONFLICT DO NOTHING;
            EXIT;
        END IF;
    END LOOP;
    PERFORM forget_dependents(v_all);
    RETURN v_gone;
END $f$;
