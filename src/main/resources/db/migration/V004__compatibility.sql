-- Nodes of two releases work side by side while an update goes on, and an older one may have to start again meanwhile.

-- The oldest version of the schema that a program has to know to work with these tables and functions. A migration that
-- programs of before cannot live with sets it to its own version.
CREATE TABLE compatibility (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    known_from  int NOT NULL CHECK (known_from > 0)
);
INSERT INTO compatibility (known_from) VALUES (4);
