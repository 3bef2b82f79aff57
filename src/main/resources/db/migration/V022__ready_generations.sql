-- Ready tasks belong to generations, so that a claim need not pass what left the queue long ago. As long as anybody looks at an
-- old state of the database (a backup, a report), PostgreSQL keeps the entries of all that was claimed since, and they stand
-- where claims look: at the head of the queue. A new generation is begun then, and the old one is looked at no more once it
-- is empty.

-- The generation that new ready tasks belong to. A sequence, since all have to see at once that it has changed.
CREATE SEQUENCE ready_generation_seq AS int;
SELECT setval('ready_generation_seq', 1);

-- Where claims look: at each generation that may have ready tasks. A row without a queue is for all of them. One that is closed
-- has a row for each queue that is left in it, with where its first task stands.
CREATE TABLE ready_generations (
    generation   int NOT NULL,
    queue        text COLLATE "C" NOT NULL DEFAULT '',
    starts_from  timestamptz NOT NULL DEFAULT '-infinity',
    writers      text[],  -- The transactions that may still write to it; null while all may.
    PRIMARY KEY (generation, queue)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 1000000);
INSERT INTO ready_generations (generation) VALUES (1);

ALTER TABLE task_ready ADD COLUMN generation int NOT NULL DEFAULT pg_sequence_last_value('ready_generation_seq');
DROP INDEX task_ready_order;
CREATE INDEX task_ready_order ON task_ready (generation, queue, latest_start, id);
