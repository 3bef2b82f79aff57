-- What tasks may do while they run: call the API by tokens of their own, and put themselves off.

-- What the tokens of running tasks are signed with, by all nodes of this database: 256 bits that nobody else knows.
CREATE TABLE task_token_secret (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    secret    bytea NOT NULL CHECK (octet_length(secret) = 32)
);
-- Three random ids have 366 bits of randomness between them.
INSERT INTO task_token_secret (secret)
SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- An attempt that put itself off: it ended well, and is to be made again.
ALTER TYPE attempt_outcome ADD VALUE 'snoozed';
