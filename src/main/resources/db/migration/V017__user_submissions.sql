-- Tasks that a program on this database submits in a transaction of its own, by the functions of R__user_submissions.

-- For which tenants roles may do so: the one of this name, and whoever is a member of it. The default tenant needs no row.
CREATE TABLE submitters (
    tenant_id  int NOT NULL REFERENCES tenants ON DELETE CASCADE,
    role_name  name NOT NULL,
    PRIMARY KEY (tenant_id, role_name)
);

-- What waits for tasks that were there before is made when its transaction commits: until then nobody else is held up by it.
-- Rows are here between the call and the commit alone.
CREATE TABLE user_submissions (
    base              uuid PRIMARY KEY,
    tenant            int NOT NULL,
    numbers           int[] NOT NULL,
    names             text[],
    definitions       text[],
    inputs            text[],
    queues            text[],
    priorities        smallint[],
    deadlines         timestamptz[],
    estimates         bigint[],
    sources           text[],
    creators          text[],
    parents           uuid[],
    sessions          text[],
    dependency_types  text[],
    tags              text[],
    not_befores       timestamptz[],
    timeouts          bigint[],
    unique_keys       text[],
    on_conflicts      text[],
    concurrency_keys  text[],
    dependents        int[],
    inner_ones        int[],
    outer_ones        uuid[],
    is_one            boolean NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
