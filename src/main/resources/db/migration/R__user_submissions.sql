-- Tasks that a program on this database submits in a transaction of its own: submit_task and submit_tasks are for others, all
-- else here is for them alone. They run with the rights of their owner, on a fixed search path, and check everything that can
-- be checked here: what they let through, a node has to live with.
--
-- Errors: 22023 a field is wrong (COLUMN names it), 54000 too many or too large, 23503 there is no such task, 23505 another
-- task has the unique key, 42501 not allowed for this tenant, 0A000 not in this kind of transaction. Each has a hint.

-- Where a field stands, in the words of who wrote it: submit_task has parameters, submit_tasks a list.
CREATE OR REPLACE FUNCTION field_place(p_number int, p_field text, p_is_one boolean) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN NOT p_is_one THEN 'tasks[' || (p_number - 1) || ']' || coalesce('.' || p_field, '')
    WHEN p_field IS NULL THEN 'definition'
    WHEN p_field LIKE 'dependencies%' THEN 'depends_on'
    WHEN p_field = 'estimatedDurationSeconds' THEN 'estimate'
    WHEN p_field = 'parentTaskId' THEN 'parent'
    WHEN split_part(p_field, '.', 1) IN ('name', 'input', 'queue', 'priority', 'deadline', 'dependencyType', 'uniqueKey', 'onConflict',
        'notBefore', 'tags', 'sessionId', 'createdBy', 'source', 'concurrencyKey', 'maxRetries', 'timeout', 'totalTimeout',
        'waitForChildren')
        THEN lower(regexp_replace(p_field, '([A-Z])', '_\1', 'g'))
    ELSE 'definition.' || p_field END;

CREATE OR REPLACE FUNCTION refuse_submission(p_code text, p_place text, p_message text, p_hint text) RETURNS void
LANGUAGE plpgsql AS $f$
BEGIN
    RAISE EXCEPTION USING ERRCODE = p_code, MESSAGE = p_place || ' ' || p_message, HINT = p_hint, COLUMN = p_place;
END $f$;

-- A time as in ISO 8601, with its offset; null where it is none.
CREATE OR REPLACE FUNCTION time_of(p_text text) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $f$
BEGIN
    IF p_text ~ '^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$' THEN
        RETURN p_text::timestamptz;
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $f$;

-- The milliseconds of a duration like 1h30m, or as in ISO 8601; null where it is none.
CREATE OR REPLACE FUNCTION duration_ms(p_text text) RETURNS numeric
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN length(p_text) > 100 THEN NULL
    WHEN p_text ~ '^(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$' THEN
        coalesce(substring(p_text FROM '(\d+)d')::numeric, 0) * 86400000
        + coalesce(substring(p_text FROM '(\d+)h')::numeric, 0) * 3600000
        + coalesce(substring(p_text FROM '(\d+)m(?!s)')::numeric, 0) * 60000
        + coalesce(substring(p_text FROM '(\d+)s')::numeric, 0) * 1000
        + coalesce(substring(p_text FROM '(\d+)ms')::numeric, 0)
    WHEN p_text ~ '^P(?=.)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d{1,3})?S)?)?$' THEN
        coalesce(substring(p_text FROM '(\d+)D')::numeric, 0) * 86400000
        + coalesce(substring(p_text FROM '(\d+)H')::numeric, 0) * 3600000
        + coalesce(substring(p_text FROM '(\d+)M')::numeric, 0) * 60000
        + coalesce(substring(p_text FROM '(\d+(?:\.\d+)?)S')::numeric, 0) * 1000
END;

-- Not blank, not too long, without control characters.
CREATE OR REPLACE FUNCTION is_label(p_text text, p_most int) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN char_length(p_text) <= p_most AND p_text !~ '[\u0001-\u001f\u007f-\u009f]' AND p_text ~ '[^[:space:]]';

-- An id in the order of time, as nodes make them: 48 bits of milliseconds, 12 of their fraction, 30 at random.
CREATE OR REPLACE FUNCTION new_base() RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $f$
DECLARE
    v_micros  bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
    v_random  bigint := hashtextextended(gen_random_uuid()::text, 0) & 1073741823;
BEGIN
    RETURN (lpad(to_hex(v_micros / 1000), 12, '0')
        || '7' || lpad(to_hex(v_micros % 1000 * 4096 / 1000), 3, '0')
        || to_hex(2147483648 + v_random) || '00000000')::uuid;
END $f$;

-- The tenant of this name, where whoever logged in may submit for it.
CREATE OR REPLACE FUNCTION submitting_tenant(p_name text) RETURNS int
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_tenant  int;
BEGIN
    SELECT t.id INTO v_tenant FROM tenants t
    WHERE t.name = p_name AND t.deleted_at IS NULL
      AND (t.id = 1 OR pg_has_role(session_user, current_user, 'MEMBER') OR EXISTS (
          SELECT FROM submitters s JOIN pg_roles r ON r.rolname = s.role_name
          WHERE s.tenant_id = t.id AND pg_has_role(session_user, r.oid, 'MEMBER')));
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '42501', COLUMN = 'tenant',
            MESSAGE = format('tenant: %s may not submit tasks for a tenant %s', session_user, coalesce(quote_literal(p_name), 'null')),
            HINT = 'check its name, or have it allowed by a row in submitters';
    END IF;
    RETURN v_tenant;
END $f$;

-- How many others a task may wait for, and how many may stand behind one another: as the settings of the nodes say.
CREATE OR REPLACE FUNCTION set_queue_settings(p_max_dependencies int, p_max_depth int) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    UPDATE queue_settings q SET max_dependencies = p_max_dependencies, max_depth = p_max_depth
    WHERE (q.max_dependencies, q.max_depth) <> (p_max_dependencies, p_max_depth);
END $f$;

-- Makes the tasks of a submission that was checked; answers the id of each, in its order, and whether it is a new one.
CREATE OR REPLACE FUNCTION make_submitted(s user_submissions, OUT ids uuid[], OUT is_new boolean[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_most   record;
    v_made   record;
    v_place  text;
BEGIN
    SELECT q.max_dependencies, q.max_depth INTO v_most FROM queue_settings q;
    v_made := submit_tasks(
        p_bases => ARRAY[s.base], p_tenants => ARRAY[s.tenant], p_operations => NULL, p_keys => NULL, p_hashes => NULL,
        p_traceparents => NULL, p_of => array_fill(1, ARRAY[cardinality(s.numbers)]),
        p_ids => ARRAY(SELECT single_id(s.base, s.numbers[n]) FROM generate_series(1, cardinality(s.numbers)) n), p_names => s.names,
        p_definitions => s.definitions, p_inputs => s.inputs, p_queues => s.queues, p_priorities => s.priorities,
        p_deadlines => s.deadlines, p_estimates => s.estimates, p_sources => s.sources, p_creators => s.creators,
        p_parents => s.parents, p_sessions => s.sessions, p_dependency_types => s.dependency_types, p_tags => s.tags,
        p_not_befores => s.not_befores, p_timeouts => s.timeouts, p_unique_keys => s.unique_keys,
        p_on_conflicts => s.on_conflicts, p_concurrency_keys => s.concurrency_keys, p_dependents => s.dependents,
        p_inner => s.inner_ones, p_outer => s.outer_ones, p_max_dependencies => v_most.max_dependencies,
        p_max_depth => v_most.max_depth, p_waits => s.waits);
    IF v_made.verdicts[1] = 'created' THEN
        ids := v_made.ids;
        is_new := coalesce(v_made.is_new, array_fill(true, ARRAY[cardinality(ids)]));
        -- Who logged in is what the submission proved itself by. Where others stand in for all its tasks there is nothing to tell.
        INSERT INTO audit_log (tenant_id, tenant, actor, operation, kind, address, refs)
        SELECT t.id, t.name, 'role:' || session_user, CASE WHEN s.is_one THEN 'submit_task' ELSE 'submit_tasks' END, 'task',
               host(inet_client_addr()), ARRAY[s.base]
        FROM tenants t WHERE t.id = s.tenant AND true = ANY (is_new);
        RETURN;
    END IF;
    v_place := field_place(s.numbers[v_made.tasks[1]], CASE v_made.codes[1]
        WHEN 'unique_key_taken' THEN 'uniqueKey'
        WHEN 'unknown_parent' THEN 'parentTaskId'
        WHEN 'parent_cancelled' THEN 'parentTaskId'
        ELSE 'dependencies' END, s.is_one);
    CASE v_made.codes[1]
        WHEN 'unique_key_taken' THEN
            IF run_of(v_made.others[1]) = s.base THEN
                PERFORM refuse_submission('23505', v_place, 'is that of another task of the list',
                    'give each task a key of its own, or let the first one stand in by onConflict return');
            END IF;
            PERFORM refuse_submission('23505', v_place, format('is that of task %s, which has not ended', v_made.others[1]),
                format('wait for its end, or let it stand in by %s return', CASE WHEN s.is_one THEN 'on_conflict' ELSE 'onConflict' END));
        WHEN 'unknown_parent' THEN
            PERFORM refuse_submission('23503', v_place, format('names task %s, which does not exist', v_made.others[1]),
                'name a task of the same tenant');
        WHEN 'parent_cancelled' THEN
            PERFORM refuse_submission('22023', v_place, format('names task %s, which was cancelled', v_made.others[1]),
                'let it have another parent, or none');
        WHEN 'unknown_prerequisite' THEN
            PERFORM refuse_submission('23503', v_place, format('names task %s, which does not exist', v_made.others[1]),
                'name single tasks of the same tenant');
        WHEN 'too_deep' THEN
            PERFORM refuse_submission('54000', v_place, format('puts the task more than %s tasks deep', v_most.max_depth),
                'let it wait for fewer levels of tasks');
        WHEN 'too_many_dependencies' THEN
            PERFORM refuse_submission('54000', v_place, format('has more than %s entries', v_most.max_dependencies),
                'put a task between that waits for a part of them');
        WHEN 'self_dependency', 'cycle' THEN
            PERFORM refuse_submission('22023', v_place, 'makes the task wait for itself', 'remove one of these dependencies');
        ELSE
            RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = format('the tasks could not be submitted (%s)', v_made.verdicts[1]),
                HINT = 'run the transaction again';
    END CASE;
END $f$;

CREATE OR REPLACE FUNCTION make_at_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = orrery, pg_temp SET enable_seqscan = off AS $f$
BEGIN
    PERFORM make_submitted(NEW);
    DELETE FROM user_submissions u WHERE u.base = NEW.base;
    RETURN NULL;
END $f$;

DO $$
BEGIN
    CREATE OR REPLACE TRIGGER tenant_is_required BEFORE INSERT ON submitters
        FOR EACH ROW WHEN (NEW.tenant_id > 1) EXECUTE FUNCTION require_tenant();
    IF NOT EXISTS (SELECT FROM pg_trigger t
                   WHERE t.tgrelid = 'user_submissions'::regclass AND t.tgname = 'is_made_at_commit') THEN
        CREATE CONSTRAINT TRIGGER is_made_at_commit AFTER INSERT ON user_submissions
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION make_at_commit();
    END IF;
END $$;

-- Refuses what is well-formed and cannot be read nevertheless.
CREATE OR REPLACE FUNCTION check_json(p_json json, p_place text) RETURNS void
LANGUAGE plpgsql AS $f$
DECLARE
    v_is_deep  boolean;
BEGIN
    BEGIN
        v_is_deep := jsonb_path_exists(p_json::jsonb, '$.**{101}');
    EXCEPTION WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
        PERFORM refuse_submission('22023', p_place, 'holds what cannot be read: ' || SQLERRM,
            'leave out \u0000, halves of surrogate pairs and numbers beyond all bounds');
    END;
    IF v_is_deep THEN
        PERFORM refuse_submission('54000', p_place, 'is nested more than 100 levels deep', 'flatten it');
    END IF;
END $f$;

-- Refuses what is not a list of objects with known fields of the right kind.
CREATE OR REPLACE FUNCTION check_shape(p_tasks json, p_is_one boolean) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_bad  record;
BEGIN
    IF json_typeof(p_tasks) <> 'array' THEN
        PERFORM refuse_submission('22023', 'tasks', 'is no list', 'write it as [{"type": "shell", "command": "true"}]');
    ELSIF json_array_length(p_tasks) NOT BETWEEN 1 AND 10000 THEN
        PERFORM refuse_submission('54000', 'tasks', format('has %s entries, and 1 to 10000 are possible', json_array_length(p_tasks)),
            'submit the rest by further calls');
    ELSIF octet_length(p_tasks::text) > 16777216 THEN
        PERFORM refuse_submission('54000', 'tasks', 'is larger than 16 MiB', 'submit a part of it by further calls');
    END IF;
    IF NOT p_is_one THEN
        PERFORM check_json(p_tasks, 'tasks');
    END IF;

    SELECT t.number::int, json_typeof(t.task) AS kind INTO v_bad
    FROM json_array_elements(p_tasks) WITH ORDINALITY t(task, number)
    WHERE json_typeof(t.task) <> 'object' LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_submission('22023', field_place(v_bad.number, NULL, p_is_one), 'is no object but of kind ' || v_bad.kind,
            'write it as {"type": "shell", "command": "true"}');
    END IF;

    SELECT t.number::int, e.key, e.count, f.kind, f.types, t.task ->> 'type' AS type INTO v_bad
    FROM json_array_elements(p_tasks) WITH ORDINALITY t(task, number)
    CROSS JOIN LATERAL (
        SELECT x.key, count(*) AS count, (array_agg(json_typeof(x.value)))[1] AS kind FROM json_each(t.task) x GROUP BY x.key) e
    LEFT JOIN (VALUES
        ('ref', 'string', ''), ('type', 'string', ''), ('name', 'string', ''), ('input', '', ''), ('queue', 'string', ''),
        ('priority', 'number', ''), ('timeout', 'string', ''), ('totalTimeout', 'string', ''), ('retry', 'object', ''), ('maxRetries', 'number', ''),
        ('deadline', 'string', ''), ('estimatedDurationSeconds', 'number', ''), ('source', 'string', ''),
        ('createdBy', 'string', ''), ('parentTaskId', 'string', ''), ('sessionId', 'string', ''), ('dependencies', 'array', ''),
        ('dependencyType', 'string', ''), ('tags', 'array', ''), ('notBefore', 'string', ''), ('uniqueKey', 'string', ''),
        ('onConflict', 'string', ''), ('concurrencyKey', 'string', ''), ('waitForChildren', 'boolean', ''), ('command', 'string', 'shell'), ('env', 'object', 'shell python'),
        ('workingDirectory', 'string', 'shell python'), ('method', 'string', 'http'), ('url', 'string', 'http'),
        ('headers', 'object', 'http'), ('body', '', 'http'), ('script', 'string', 'python'), ('code', 'string', 'python'),
        ('args', 'array', 'python'), ('virtualEnv', 'string', 'python'), ('handler', 'string', 'handler agent')
    ) f(name, kind, types) ON f.name = e.key
    WHERE f.name IS NULL OR e.count > 1 OR (e.kind <> 'null' AND (
        (f.kind <> '' AND f.kind <> e.kind) OR (f.types <> '' AND t.task ->> 'type' <> ALL (string_to_array(f.types, ' ')))))
    ORDER BY t.number, f.name IS NULL DESC, e.count > 1 DESC, e.key LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_submission('22023', field_place(v_bad.number, v_bad.key, p_is_one),
            CASE WHEN v_bad.kind IS NULL THEN 'is no field of a task'
                 WHEN v_bad.count > 1 THEN 'stands there twice'
                 WHEN v_bad.types <> '' AND v_bad.type <> ALL (string_to_array(v_bad.types, ' '))
                     THEN 'is no field of a task of type ' || v_bad.type
                 ELSE 'must be of kind ' || v_bad.kind END,
            CASE WHEN v_bad.key = 'lock' THEN 'locks are for the tasks of DAGs; of one concurrencyKey one task runs at a time'
                 ELSE 'fields are those of POST /api/v1/tasks' END);
    END IF;
END $f$;

-- The fields of tasks, one row each; they have to be of the right kind.
DROP FUNCTION IF EXISTS task_rows(json);
CREATE OR REPLACE FUNCTION task_rows(p_tasks json)
RETURNS TABLE (
    number int, task json, ref text, type text, name text, input json, queue text, priority numeric, timeout text, retry json,
    max_retries numeric, deadline text, estimate numeric, source text, created_by text, parent text, session text,
    dependencies json, dependency_type text, tags json, not_before text, unique_key text, on_conflict text, concurrency_key text,
    command text, env json, directory text, method text, url text, headers json, body json, script text, code text, args json,
    virtual_env text, handler text, waits boolean, total_timeout text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.number::int, t.task, x.ref, x.type, x.name, x.input, x.queue, coalesce(x.priority, 5), x.timeout, x.retry, x."maxRetries",
           x.deadline, x."estimatedDurationSeconds", coalesce(x.source, 'human'), x."createdBy", x."parentTaskId",
           x."sessionId", x.dependencies, coalesce(x."dependencyType", 'sequential'), x.tags, x."notBefore", x."uniqueKey",
           x."onConflict", x."concurrencyKey", x.command, x.env, x."workingDirectory", x.method, x.url, x.headers, x.body,
           x.script, x.code, x.args, x."virtualEnv", x.handler, x."waitForChildren", x."totalTimeout"
    FROM json_array_elements(p_tasks) WITH ORDINALITY t(task, number)
    CROSS JOIN LATERAL json_to_record(t.task) AS x(
        ref text, type text, name text, input json, queue text, priority numeric, timeout text, retry json, "maxRetries" numeric,
        deadline text, "estimatedDurationSeconds" numeric, source text, "createdBy" text, "parentTaskId" text,
        "sessionId" text, dependencies json, "dependencyType" text, tags json, "notBefore" text, "uniqueKey" text,
        "onConflict" text, "concurrencyKey" text, command text, env json, "workingDirectory" text, method text, url text,
        headers json, body json, script text, code text, args json, "virtualEnv" text, handler text, "waitForChildren" boolean,
        "totalTimeout" text);
END;

-- What is wrong with a rule of retryOn or giveUpOn that is written so; null where nothing is. The same as FailureRule.objection.
CREATE OR REPLACE FUNCTION failure_rule_objection(p_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $f$
DECLARE
    v_kind   text := split_part(p_text, ':', 1);
    v_what   text := substr(p_text, length(split_part(p_text, ':', 1)) + 2);
    v_least  int;
    v_most   int;
    v_first  int;
    v_last   int;
BEGIN
    IF p_text IS NULL OR p_text ~ '\n' OR p_text !~ ('^(timeout|start|exit(:[0-9]{1,3}(-[0-9]{1,3})?)?|signal(:[0-9]{1,2})?'
            || '|http(:([0-9]{3}(-[0-9]{3})?|[1-5]xx))?|error(:[A-Za-z_$][A-Za-z0-9_.$]{0,254})?)$') THEN
        RETURN 'is no kind of failure';
    END IF;
    IF v_what = '' OR v_kind = 'error' THEN
        RETURN NULL;
    END IF;
    v_least := CASE v_kind WHEN 'http' THEN 100 ELSE 1 END;
    v_most := CASE v_kind WHEN 'exit' THEN 255 WHEN 'signal' THEN 64 ELSE 599 END;
    v_first := CASE WHEN v_what LIKE '%xx' THEN left(v_what, 1) || '00' ELSE split_part(v_what, '-', 1) END::int;
    v_last := CASE WHEN v_what LIKE '%xx' THEN left(v_what, 1) || '99'
                   WHEN v_what LIKE '%-%' THEN split_part(v_what, '-', 2) ELSE v_what END::int;
    IF v_first < v_least OR v_last > v_most OR v_first > v_last THEN
        RETURN format('is out of range: it can be %s to %s', v_least, v_most);
    END IF;
    RETURN NULL;
END $f$;

-- Refuses values that are out of range, and what no node could do.
CREATE OR REPLACE FUNCTION check_values(p_tasks json, p_is_one boolean) RETURNS void
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_bad   record;
    v_most  int := (SELECT q.max_dependencies FROM queue_settings q);
    v_id    CONSTANT text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
    v_ref   CONSTANT text := '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$';
    v_word  CONSTANT text := '^[A-Za-z0-9_.-]{1,64}$';
    v_line  CONSTANT text := 'must have 1 to 255 characters, one of them visible and none a control character';
    v_own   CONSTANT text[] := ARRAY['ORRERY_API', 'ORRERY_TENANT', 'ORRERY_DAG_ID', 'ORRERY_DAG_NAME', 'ORRERY_RUN_ID',
        'ORRERY_TASK_ID', 'ORRERY_TASK_INSTANCE_ID', 'ORRERY_ATTEMPT', 'ORRERY_FENCE', 'ORRERY_LOCK_FENCE', 'ORRERY_RUN_DIR',
        'ORRERY_INPUTS', 'ORRERY_PARAMS', 'ORRERY_OUTPUT'];
BEGIN
    SELECT t.number, p.field, p.message, p.hint INTO v_bad
    FROM task_rows(p_tasks) t
    CROSS JOIN LATERAL (VALUES
        (t.type IS NULL, 'type', 'is missing', 'write shell, http, python, handler or agent'),
        (t.type NOT IN ('shell', 'http', 'python', 'handler', 'agent'), 'type', 'must be shell, http, python, handler or agent',
            'choose one of these'),
        (octet_length(t.task::text) > 2097152, NULL, 'is larger than 2 MiB', 'put what is large elsewhere, and its place into input'),
        (octet_length(t.input::text) > 1048576, 'input', 'is larger than 1 MiB', 'put it elsewhere, and its place into input'),
        (t.type = 'shell' AND coalesce(t.command, '') !~ '[^[:space:]]', 'command', 'is missing or blank', 'write what /bin/sh is to run'),
        (t.type = 'http' AND t.url IS NULL, 'url', 'is missing', 'write where the request goes'),
        (t.url !~ '^([Hh][Tt][Tt][Pp][Ss]?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]{1,5})?|\$\{ORRERY_API\})([/?#]([]!#$&-;=?-Z[_a-z~{}]|%[0-9A-Fa-f]{2})*)?$',
            'url', 'must be an http or https URL with a host', 'write it like https://example.org/path; encode other characters as %20'),
        (t.method NOT IN ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'), 'method',
            'must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS', 'write it in capital letters'),
        (t.type = 'python' AND num_nonnulls(t.script, t.code) <> 1, 'script', 'or code must be there, and not both',
            'name a file by script, or write the program as code'),
        (t.script !~ '[^[:space:]]' OR length(t.script) > 4096, 'script', 'must be a path of 1 to 4096 characters', 'write a path on the node'),
        (t.code !~ '[^[:space:]]', 'code', 'must not be blank', 'write the program'),
        (t.directory !~ '[^[:space:]]' OR length(t.directory) > 4096, 'workingDirectory', 'must be a path of 1 to 4096 characters',
            'write a path on the node'),
        (t.virtual_env !~ '[^[:space:]]' OR length(t.virtual_env) > 4096, 'virtualEnv', 'must be a path of 1 to 4096 characters',
            'write a path on the node'),
        (t.type IN ('handler', 'agent') AND coalesce(t.handler, '') !~ '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,254}$', 'handler',
            'must be 1 to 255 of the characters A-Z a-z 0-9 _ . : / - and begin with a letter, a digit or _', 'write its name'),
        (t.type = 'agent' AND t.queue IS NOT NULL, 'queue', 'is for tasks that nodes do', 'remove it: the handler says who gets the task'),
        (t.name IS NOT NULL AND NOT is_label(t.name, 255), 'name', v_line, 'write a short name on one line'),
        (t.created_by IS NOT NULL AND NOT is_label(t.created_by, 255), 'createdBy', v_line, 'shorten it'),
        (t.session IS NOT NULL AND NOT is_label(t.session, 255), 'sessionId', v_line, 'shorten it'),
        (t.unique_key IS NOT NULL AND NOT is_label(t.unique_key, 255), 'uniqueKey', v_line, 'shorten it, or give a digest of it'),
        (t.concurrency_key IS NOT NULL AND NOT is_label(t.concurrency_key, 255), 'concurrencyKey', v_line, 'shorten it'),
        (t.on_conflict NOT IN ('return', 'replace', 'refuse'), 'onConflict', 'must be return, replace or refuse', 'choose one of these'),
        (t.on_conflict IS NOT NULL AND t.unique_key IS NULL, 'onConflict', 'says what to do about a uniqueKey, and there is none',
            'add a uniqueKey, or remove it'),
        (t.queue !~ v_word, 'queue', 'must be 1 to 64 of the characters A-Z a-z 0-9 _ . -', 'leave it out to use the queue default'),
        (t.priority NOT BETWEEN 0 AND 10 OR t.priority <> trunc(t.priority), 'priority', 'must be a whole number from 0 to 10', '5 is usual'),
        (t.max_retries NOT BETWEEN 0 AND 99 OR t.max_retries <> trunc(t.max_retries), 'maxRetries', 'must be a whole number from 0 to 99',
            '3 is usual'),
        (t.estimate NOT BETWEEN 0 AND 31622400, 'estimatedDurationSeconds', 'must be from 0 to 31622400 seconds', 'that is 366 days'),
        (t.timeout IS NOT NULL AND coalesce(duration_ms(t.timeout), 0) NOT BETWEEN 10 AND 2592000000, 'timeout',
            'must be a duration from 10ms to 30d', 'write it like 90s or 1h30m'),
        (t.total_timeout IS NOT NULL AND coalesce(duration_ms(t.total_timeout), 0) NOT BETWEEN 10 AND 31622400000, 'totalTimeout',
            'must be a duration from 10ms to 366d', 'write it like 90s or 1h30m'),
        (t.deadline IS NOT NULL AND time_of(t.deadline) IS NULL, 'deadline', 'is no time', 'write it like 2026-12-01T08:00:00Z'),
        (t.not_before IS NOT NULL AND time_of(t.not_before) IS NULL, 'notBefore', 'is no time', 'write it like 2026-12-01T08:00:00Z'),
        (NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = 'task_source'::regtype AND e.enumlabel = t.source), 'source',
            'must be one of ' || (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e
                                  WHERE e.enumtypid = 'task_source'::regtype), 'human is usual'),
        (t.dependency_type NOT IN ('sequential', 'parallel'), 'dependencyType', 'must be sequential or parallel', 'sequential is usual'),
        (t.ref !~ v_ref OR t.ref ~ v_id, 'ref', 'must be 1 to 255 of the characters A-Z a-z 0-9 _ . -, and no UUID', 'choose such a name'),
        (t.tags IS NOT NULL AND EXISTS (SELECT FROM json_array_elements(t.tags) e
            WHERE json_typeof(e.value) <> 'string' OR NOT is_label(e.value #>> '{}', 64)), 'tags',
            'must be texts of 1 to 64 characters without control characters', 'write short words'),
        (json_array_length(t.tags) > 50, 'tags', 'has more than 50 entries', 'put what describes the task into input'),
        (json_array_length(t.dependencies) > v_most, 'dependencies', format('has more than %s entries', v_most),
            'put a task between that waits for a part of them'),
        (t.dependencies IS NOT NULL AND EXISTS (SELECT FROM json_array_elements(t.dependencies) e
            WHERE json_typeof(e.value) <> 'string' OR e.value #>> '{}' !~ v_ref), 'dependencies',
            'must be ids of tasks, or refs of others in the list', 'name each by a text'),
        (t.dependencies IS NOT NULL AND (SELECT count(*) <> count(DISTINCT lower(e.value)) FROM json_array_elements_text(t.dependencies) e),
            'dependencies', 'names the same task twice', 'remove one of the two'),
        (t.args IS NOT NULL AND EXISTS (SELECT FROM json_array_elements(t.args) e WHERE json_typeof(e.value) <> 'string'), 'args',
            'must be texts', 'write each in quotes'),
        (t.env IS NOT NULL AND EXISTS (SELECT FROM json_each(t.env) e WHERE json_typeof(e.value) <> 'string'
            OR e.key !~ '^[A-Za-z_][A-Za-z0-9_]{0,254}$' OR e.key = ANY (v_own)), 'env',
            'must be names of variables with texts, other than those that nodes set', 'write {"NAME": "value"}'),
        (t.headers IS NOT NULL AND EXISTS (SELECT FROM json_each(t.headers) e WHERE json_typeof(e.value) <> 'string'
            OR e.key !~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]{1,255}$' OR e.value #>> '{}' !~ '^[\t\u0020-\u007e\u0080-\u00ff]*$'), 'headers',
            'must be names of headers with texts on one line, of ISO-8859-1', 'write {"Accept": "text/plain"}'),
        (t.headers IS NOT NULL AND (SELECT count(*) <> count(DISTINCT lower(e.key)) FROM json_each(t.headers) e), 'headers',
            'has a name twice: capital letters make no difference', 'remove one of the two'),
        (t.retry IS NOT NULL AND EXISTS (SELECT FROM json_each(t.retry) e WHERE json_typeof(e.value) <> 'null' AND NOT coalesce(CASE
            WHEN e.key = 'maxAttempts' AND json_typeof(e.value) = 'number' THEN (e.value #>> '{}')::numeric BETWEEN 1 AND 100
                 AND (e.value #>> '{}')::numeric = trunc((e.value #>> '{}')::numeric)
            WHEN e.key IN ('initialDelay', 'maxDelay') AND json_typeof(e.value) = 'string'
                 THEN duration_ms(e.value #>> '{}') BETWEEN 0 AND 2592000000
            WHEN e.key = 'backoffMultiplier' AND json_typeof(e.value) = 'number' THEN (e.value #>> '{}')::numeric BETWEEN 1 AND 10
            WHEN e.key = 'jitter' AND json_typeof(e.value) = 'number' THEN (e.value #>> '{}')::numeric BETWEEN 0 AND 1
            WHEN e.key IN ('retryOn', 'giveUpOn') AND json_typeof(e.value) = 'array'
                 THEN json_array_length(e.value) BETWEEN 1 AND 50 END, false)), 'retry',
            'must have maxAttempts 1 to 100, initialDelay and maxDelay of 0s to 30d, backoffMultiplier 1 to 10, jitter 0 to 1, '
                || 'retryOn and giveUpOn with 1 to 50 kinds of failures, and nothing else',
            'leave out what is to be as usual'),
        (t.retry ->> 'maxAttempts' IS NOT NULL AND t.max_retries IS NOT NULL, 'maxRetries', 'and retry.maxAttempts say the same',
            'remove one of the two: attempts are retries + 1')
    ) p(is_wrong, field, message, hint)
    WHERE p.is_wrong ORDER BY t.number LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_submission(CASE WHEN v_bad.message ~ '^(is larger|has more)' THEN '54000' ELSE '22023' END,
            field_place(v_bad.number, v_bad.field, p_is_one), v_bad.message, v_bad.hint);
    END IF;

    SELECT t.number, format('retry.%s[%s]', f.name, r.number - 1) AS field,
           coalesce('"' || left(r.rule #>> '{}', 60) || '" ', '') || failure_rule_objection(r.rule #>> '{}') AS message INTO v_bad
    FROM task_rows(p_tasks) t
    CROSS JOIN (VALUES ('retryOn'), ('giveUpOn')) f(name)
    CROSS JOIN LATERAL json_array_elements(CASE WHEN json_typeof(t.retry -> f.name) = 'array' THEN t.retry -> f.name ELSE '[]' END)
        WITH ORDINALITY r(rule, number)
    WHERE json_typeof(r.rule) <> 'string' OR failure_rule_objection(r.rule #>> '{}') IS NOT NULL
    ORDER BY t.number, f.name DESC, r.number LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_submission('22023', field_place(v_bad.number, v_bad.field, p_is_one), v_bad.message,
            'write timeout, start, exit, exit:75, exit:1-9, signal, signal:9, http, http:429, http:5xx, error or error:ConnectionRefused');
    END IF;

    SELECT r.number, r.ref INTO v_bad
    FROM (SELECT t.number, t.ref, row_number() OVER (PARTITION BY t.ref ORDER BY t.number) AS place
          FROM task_rows(p_tasks) t WHERE t.ref IS NOT NULL) r
    WHERE r.place > 1 ORDER BY r.number LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_submission('22023', field_place(v_bad.number, 'ref', p_is_one), 'is that of an earlier task: ' || v_bad.ref,
            'give each a name of its own');
    END IF;
END $f$;

-- The stored form of tasks, the same as that of DagJson.writeSingle.
CREATE OR REPLACE FUNCTION stored_definition(t record) RETURNS text
LANGUAGE plpgsql STABLE AS $f$
#variable_conflict use_column
BEGIN
    RETURN (SELECT json_object_agg(d.key, d.value)
        FROM (VALUES
            ('type', to_json(t.type)), ('command', to_json(t.command)),
            ('env', CASE WHEN t.type IN ('shell', 'python') THEN coalesce(t.env, '{}') END),
            ('workingDirectory', to_json(t.directory)),
            ('method', CASE WHEN t.type = 'http' THEN to_json(coalesce(t.method, 'GET')) END), ('url', to_json(t.url)),
            ('headers', CASE WHEN t.type = 'http' THEN coalesce(t.headers, '{}') END), ('body', to_json(t.body::text)),
            ('script', to_json(t.script)), ('code', to_json(t.code)),
            ('args', CASE WHEN t.type = 'python' THEN coalesce(t.args, '[]') END), ('virtualEnv', to_json(t.virtual_env)),
            ('handler', to_json(t.handler)), ('timeout', to_json(t.timeout)),
            ('totalTimeout', to_json(t.total_timeout)),
            ('retry', CASE WHEN t.retry IS NOT NULL OR t.max_retries IS NOT NULL THEN json_strip_nulls(json_build_object(
                'maxAttempts', coalesce(t.max_retries + 1, (t.retry ->> 'maxAttempts')::numeric, 4)::int,
                'initialDelay', coalesce(t.retry ->> 'initialDelay', '1s'), 'maxDelay', coalesce(t.retry ->> 'maxDelay', '5m'),
                'backoffMultiplier', coalesce((t.retry ->> 'backoffMultiplier')::numeric, 2),
                'jitter', coalesce((t.retry ->> 'jitter')::numeric, 0.1),
                'retryOn', t.retry -> 'retryOn', 'giveUpOn', t.retry -> 'giveUpOn')) END),
            ('priority', CASE WHEN t.priority <> 5 THEN to_json(t.priority::int) END), ('queue', to_json(t.queue)),
            ('name', to_json(t.name))
        ) d(key, value) WHERE d.value IS NOT NULL)::text;
END $f$;

-- The order in which tasks of one list can be made, each after those that it waits for: their numbers.
CREATE OR REPLACE FUNCTION order_of(p_count int, p_dependents int[], p_prerequisites int[], p_is_one boolean) RETURNS int[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_levels   int[] := array_fill(0, ARRAY[p_count]);
    v_from     int[] := p_dependents;
    v_to       int[] := p_prerequisites;
    v_edges    int := cardinality(p_dependents);
    v_blocked  int[];
    v_round    int := 0;
    v_most     int := (SELECT q.max_depth FROM queue_settings q);
    v_one      int;
BEGIN
    WHILE v_edges > 0 LOOP
        v_round := v_round + 1;
        v_blocked := ARRAY(SELECT DISTINCT e.dependent FROM unnest(v_from) e(dependent));
        FOREACH v_one IN ARRAY v_blocked LOOP
            v_levels[v_one] := v_round;
        END LOOP;
        SELECT coalesce(array_agg(e.dependent), '{}'), coalesce(array_agg(e.prerequisite), '{}') INTO v_from, v_to
        FROM unnest(v_from, v_to) e(dependent, prerequisite)
        JOIN (SELECT b.id FROM unnest(v_blocked) b(id) OFFSET 0) b ON b.id = e.prerequisite;
        IF cardinality(v_from) = v_edges THEN
            PERFORM refuse_submission('22023', field_place(v_blocked[1], 'dependencies', p_is_one),
                'makes tasks of the list wait for one another in a circle', 'remove one of the dependencies between them');
        ELSIF v_round > v_most AND cardinality(v_from) > 0 THEN
            PERFORM refuse_submission('54000', field_place(v_from[1], 'dependencies', p_is_one),
                format('puts the task more than %s tasks deep', v_most), 'let it wait for fewer levels of tasks');
        END IF;
        v_edges := cardinality(v_from);
    END LOOP;
    RETURN ARRAY(SELECT l.number::int FROM unnest(v_levels) WITH ORDINALITY l(level, number) ORDER BY l.level, l.number);
END $f$;

-- Whether this is a task that its transaction has submitted and that is made when it commits. A list may ask this for each of
-- its tasks, so that it is a function: it looks at one submission, whatever the planner thinks of the rest.
CREATE OR REPLACE FUNCTION is_made_later(p_tenant int, p_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT AS $f$
BEGIN
    RETURN is_single(p_id) AND EXISTS (
        SELECT FROM user_submissions u
        WHERE u.base = run_of(p_id) AND u.tenant = p_tenant
          AND task_no_of(p_id) + 2147483648 BETWEEN 1 AND cardinality(u.numbers));
END $f$;

-- Reads a list of tasks and makes them, at once or when the transaction commits; answers their ids in its order.
CREATE OR REPLACE FUNCTION submit_checked(p_tasks json, p_tenant text, p_is_one boolean, OUT ids uuid[], OUT is_new boolean[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v             user_submissions;
    v_order       int[];
    v_dependents  int[];
    v_inner       int[];
    v_outer       uuid[];
    v_bad         record;
    v_is_later    boolean;
    v_made_ids    uuid[];
    v_made_new    boolean[];
    v_at          int[];
BEGIN
    v.tenant := submitting_tenant(p_tenant);
    PERFORM check_shape(p_tasks, p_is_one);
    PERFORM check_values(p_tasks, p_is_one);
    v.base := new_base();
    v.is_one := p_is_one;

    -- Names: of others in the list, or ids.
    SELECT array_agg(e.number), array_agg(r.number),
           array_agg(CASE WHEN r.number IS NULL AND length(e.name) = 36 AND e.name ~ '^[0-9a-fA-F-]+$' THEN e.name::uuid END)
    INTO v_dependents, v_inner, v_outer
    FROM (SELECT t.number, d.value AS name FROM task_rows(p_tasks) t CROSS JOIN LATERAL json_array_elements_text(t.dependencies) d) e
    LEFT JOIN (SELECT t.number, t.ref FROM task_rows(p_tasks) t WHERE t.ref IS NOT NULL) r ON r.ref = e.name;
    SELECT e.number, e.ordinal INTO v_bad
    FROM unnest(v_dependents, v_inner, v_outer) WITH ORDINALITY e(number, inner_one, outer_one, ordinal)
    LEFT JOIN LATERAL (
        SELECT x.depth FROM task_instances x
        WHERE x.id = e.outer_one AND x.tenant_id = v.tenant AND x.source IS NOT NULL OFFSET 0) i ON true
    WHERE e.inner_one IS NULL AND i.depth IS NULL AND is_made_later(v.tenant, e.outer_one) IS NOT TRUE
    ORDER BY e.ordinal LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_submission('23503', field_place(v_bad.number, 'dependencies', p_is_one), 'names a task that does not exist',
            'name the id of a single task of the same tenant, or the ref of another one of the list');
    END IF;

    v_order := order_of(json_array_length(p_tasks),
        coalesce((SELECT array_agg(e.d) FROM unnest(v_dependents, v_inner) e(d, p) WHERE e.p IS NOT NULL), '{}'),
        coalesce((SELECT array_agg(e.p) FROM unnest(v_dependents, v_inner) e(d, p) WHERE e.p IS NOT NULL), '{}'), p_is_one);
    v.numbers := v_order;
    v_at := ARRAY(SELECT o.place::int FROM unnest(v_order) WITH ORDINALITY o(number, place) ORDER BY o.number);
    IF v_dependents IS NOT NULL THEN
        SELECT array_agg(v_at[e.d]), array_agg(v_at[e.p]), array_agg(e.o) INTO v.dependents, v.inner_ones, v.outer_ones
        FROM unnest(v_dependents, v_inner, v_outer) e(d, p, o);
    END IF;

    SELECT array_agg(coalesce(t.name, shown_name(t.type, t.command, t.method, t.url, t.script, t.handler)) ORDER BY v_at[t.number]),
           array_agg(stored_definition(t) ORDER BY v_at[t.number]),
           array_agg(t.input::text ORDER BY v_at[t.number]),
           array_agg(CASE WHEN t.type = 'agent' THEN 'agent/' || v.tenant || '/' || t.handler ELSE coalesce(t.queue, 'default') END
                     ORDER BY v_at[t.number]),
           array_agg(t.priority::smallint ORDER BY v_at[t.number]),
           array_agg(time_of(t.deadline) ORDER BY v_at[t.number]),
           array_agg(round(t.estimate * 1000)::bigint ORDER BY v_at[t.number]),
           array_agg(t.source ORDER BY v_at[t.number]),
           array_agg(t.created_by ORDER BY v_at[t.number]),
           array_agg(t.session ORDER BY v_at[t.number]),
           array_agg(t.dependency_type ORDER BY v_at[t.number]),
           array_agg((SELECT string_agg(DISTINCT e.value, chr(31)) FROM json_array_elements_text(t.tags) e) ORDER BY v_at[t.number]),
           array_agg(time_of(t.not_before) ORDER BY v_at[t.number]),
           array_agg(coalesce(duration_ms(t.timeout), 1800000)::bigint ORDER BY v_at[t.number]),
           array_agg(t.unique_key ORDER BY v_at[t.number]),
           array_agg(CASE WHEN t.unique_key IS NOT NULL THEN coalesce(t.on_conflict, 'return') END ORDER BY v_at[t.number]),
           array_agg(t.concurrency_key ORDER BY v_at[t.number]),
           array_agg(CASE WHEN t.waits THEN true END ORDER BY v_at[t.number])
    INTO v.names, v.definitions, v.inputs, v.queues, v.priorities, v.deadlines, v.estimates, v.sources, v.creators, v.sessions,
         v.dependency_types, v.tags, v.not_befores, v.timeouts, v.unique_keys, v.on_conflicts, v.concurrency_keys, v.waits
    FROM task_rows(p_tasks) t;
    IF num_nonnulls(VARIADIC v.unique_keys) = 0 THEN
        v.unique_keys := NULL;
        v.on_conflicts := NULL;
    END IF;

    -- Parents: ids, or an earlier one of the list.
    SELECT t.number, t.parent INTO v_bad
    FROM task_rows(p_tasks) t
    LEFT JOIN task_rows(p_tasks) r ON r.ref = t.parent AND r.number < t.number
    WHERE t.parent IS NOT NULL AND r.number IS NULL
      AND CASE WHEN t.parent !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN true
               ELSE NOT EXISTS (SELECT FROM task_instances i WHERE i.id = t.parent::uuid AND i.tenant_id = v.tenant)
                    AND NOT is_made_later(v.tenant, t.parent::uuid) END
    ORDER BY t.number LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_submission('23503', field_place(v_bad.number, 'parentTaskId', p_is_one), 'names a task that does not exist',
            'name the id of a task, or the ref of an earlier one of the list');
    END IF;
    SELECT array_agg(CASE WHEN r.number IS NOT NULL THEN single_id(v.base, r.number) ELSE t.parent::uuid END ORDER BY v_at[t.number]),
           bool_or(t.parent IS NOT NULL AND r.number IS NULL)
    INTO v.parents, v_is_later
    FROM task_rows(p_tasks) t
    LEFT JOIN task_rows(p_tasks) r ON r.ref = t.parent AND r.number < t.number
    WHERE EXISTS (SELECT FROM task_rows(p_tasks) x WHERE x.parent IS NOT NULL);

    v_is_later := coalesce(v_is_later, false) OR num_nonnulls(VARIADIC v_outer) > 0;
    IF v_is_later AND current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM refuse_submission('0A000',
            field_place(1, CASE WHEN num_nonnulls(VARIADIC v_outer) > 0 THEN 'dependencies' ELSE 'parentTaskId' END, p_is_one),
            'with tasks that were there before needs a transaction at READ COMMITTED: others hide the end of these',
            'submit in a transaction of that level, or submit all tasks that belong together in one list');
    END IF;
    IF v_is_later AND v.unique_keys IS NULL THEN
        INSERT INTO user_submissions SELECT v.*;
        ids := ARRAY(SELECT single_id(v.base, n) FROM generate_series(1, cardinality(v_order)) n);
        is_new := array_fill(true, ARRAY[cardinality(v_order)]);
        RETURN;
    END IF;
    SELECT m.ids, m.is_new INTO v_made_ids, v_made_new FROM make_submitted(v) m;
    ids := ARRAY(SELECT v_made_ids[a.place] FROM unnest(v_at) WITH ORDINALITY a(place, number) ORDER BY a.number);
    is_new := ARRAY(SELECT v_made_new[a.place] FROM unnest(v_at) WITH ORDINALITY a(place, number) ORDER BY a.number);
END $f$;

-- What people read where a task was given no name.
CREATE OR REPLACE FUNCTION shown_name(p_type text, p_command text, p_method text, p_url text, p_script text, p_handler text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $f$
DECLARE
    v_text  text := CASE p_type
        WHEN 'shell' THEN split_part(btrim(p_command, E' \t\r\n'), E'\n', 1)
        WHEN 'http' THEN coalesce(p_method, 'GET') || ' ' || p_url
        WHEN 'python' THEN coalesce(p_script, 'python')
        ELSE p_handler END;
BEGIN
    IF char_length(v_text) > 80 THEN
        v_text := left(v_text, 79) || '…';
    END IF;
    RETURN CASE WHEN is_label(v_text, 255) THEN v_text ELSE p_type END;
END $f$;

-- Submits tasks, all or none, with this transaction: a list of objects with the fields of POST /api/v1/tasks/batch. A task may
-- have a ref, by which others of the list name it in dependencies and parentTaskId. Answers them in the order of the list.
CREATE OR REPLACE FUNCTION submit_tasks(tasks json, tenant text DEFAULT 'default')
RETURNS TABLE (ref text, id uuid, is_new boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = orrery, pg_temp SET jit = off SET enable_seqscan = off AS $f$
#variable_conflict use_column
DECLARE
    v_ids  uuid[];
    v_new  boolean[];
BEGIN
    IF tasks IS NULL THEN
        PERFORM refuse_submission('22023', 'tasks', 'is null', 'write it as [{"type": "shell", "command": "true"}]');
    END IF;
    SELECT s.ids, s.is_new INTO v_ids, v_new FROM submit_checked(tasks, tenant, false) s;
    RETURN QUERY
        SELECT t.task ->> 'ref', v_ids[t.number], v_new[t.number]
        FROM json_array_elements(tasks) WITH ORDINALITY t(task, number) ORDER BY t.number;
END $f$;

-- Submits a task with this transaction and answers its id, or that of the one that has its unique key already. definition is
-- an object with the type and its fields, and retry where there is any.
DROP FUNCTION IF EXISTS submit_task(json, json, text, text, int, timestamptz, interval, uuid[], text, text, text, timestamptz, text[], text,
    text, text, uuid, text, int, interval, text);
DROP FUNCTION IF EXISTS submit_task(json, json, text, text, int, timestamptz, interval, uuid[], text, text, text, timestamptz, text[], text,
    text, text, uuid, text, int, interval, text, boolean);
CREATE OR REPLACE FUNCTION submit_task(
    definition json, input json DEFAULT NULL, name text DEFAULT NULL, queue text DEFAULT NULL, priority int DEFAULT 5,
    deadline timestamptz DEFAULT NULL, estimate interval DEFAULT NULL, depends_on uuid[] DEFAULT NULL,
    dependency_type text DEFAULT 'sequential', unique_key text DEFAULT NULL, on_conflict text DEFAULT NULL,
    not_before timestamptz DEFAULT NULL, tags text[] DEFAULT NULL, session_id text DEFAULT NULL, created_by text DEFAULT NULL,
    source text DEFAULT 'human', parent uuid DEFAULT NULL, concurrency_key text DEFAULT NULL, max_retries int DEFAULT NULL,
    timeout interval DEFAULT NULL, tenant text DEFAULT 'default', wait_for_children boolean DEFAULT NULL,
    total_timeout interval DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = orrery, pg_temp SET jit = off SET enable_seqscan = off AS $f$
#variable_conflict use_variable
DECLARE
    v_task    json;
    v_beside  text;
    v_ids     uuid[];
BEGIN
    IF definition IS NULL OR json_typeof(definition) <> 'object' THEN
        PERFORM refuse_submission('22023', 'definition', 'is no object', 'write it as {"type": "shell", "command": "true"}');
    END IF;
    PERFORM check_json(definition, 'definition'), check_json(input, 'input');
    SELECT e.key INTO v_beside FROM json_each(definition) e
    WHERE e.key IN ('ref', 'name', 'input', 'queue', 'priority', 'deadline', 'estimatedDurationSeconds', 'dependencies', 'dependencyType',
        'uniqueKey', 'onConflict', 'notBefore', 'tags', 'sessionId', 'createdBy', 'source', 'parentTaskId', 'concurrencyKey', 'maxRetries',
        'timeout', 'totalTimeout', 'waitForChildren') LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_submission('22023', 'definition.' || v_beside, 'is no part of a definition', 'give it as a parameter of submit_task');
    END IF;
    SELECT json_object_agg(e.key, e.value) INTO v_task
    FROM (SELECT d.key, d.value FROM json_each(definition) d
          UNION ALL
          SELECT p.key, p.value FROM (VALUES
              ('input', input), ('name', to_json(name)), ('queue', to_json(queue)), ('priority', to_json(priority)),
              ('deadline', to_json(deadline)), ('estimatedDurationSeconds', to_json(extract(epoch FROM estimate))),
              ('dependencies', to_json(depends_on)), ('dependencyType', to_json(dependency_type)), ('uniqueKey', to_json(unique_key)),
              ('onConflict', to_json(on_conflict)), ('notBefore', to_json(not_before)), ('tags', to_json(tags)),
              ('sessionId', to_json(session_id)), ('createdBy', to_json(created_by)), ('source', to_json(source)),
              ('parentTaskId', to_json(parent)), ('concurrencyKey', to_json(concurrency_key)), ('maxRetries', to_json(max_retries)),
              ('timeout', to_json(round(extract(epoch FROM timeout) * 1000)::text || 'ms')),
              ('totalTimeout', to_json(round(extract(epoch FROM total_timeout) * 1000)::text || 'ms')),
              ('waitForChildren', to_json(wait_for_children))) p(key, value)
          WHERE p.value IS NOT NULL) e;
    SELECT s.ids INTO v_ids FROM submit_checked(json_build_array(v_task), tenant, true) s;
    RETURN v_ids[1];
END $f$;

-- Gives the right to submit, and nothing else, to the role orrery_submit, and takes what everybody may by default away. To be
-- called by the owner where the role was made later, in whatever session.
CREATE OR REPLACE FUNCTION give_submit_rights() RETURNS void
LANGUAGE plpgsql SET search_path = orrery, pg_temp AS $f$
#variable_conflict use_column
DECLARE
    v_function  regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'orrery'::regnamespace AND pg_has_role(p.proowner, 'USAGE')
          AND has_function_privilege('public', p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', v_function);
    END LOOP;
    IF to_regrole('orrery_submit') IS NULL THEN
        BEGIN
            CREATE ROLE orrery_submit NOLOGIN;
        EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
            RAISE NOTICE 'the role orrery_submit was not made: %', SQLERRM;
        END;
    END IF;
    IF to_regrole('orrery_submit') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA orrery TO orrery_submit;
        GRANT EXECUTE ON FUNCTION submit_tasks(json, text) TO orrery_submit;
        GRANT EXECUTE ON FUNCTION submit_task(json, json, text, text, int, timestamptz, interval, uuid[], text, text, text, timestamptz,
            text[], text, text, text, uuid, text, int, interval, text, boolean, interval) TO orrery_submit;
    END IF;
END $f$;
