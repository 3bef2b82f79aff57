-- A letter that was sent back with another input tells that too: what the attempts behind it were given.
ALTER TABLE dead_letters ADD COLUMN new_input json;
