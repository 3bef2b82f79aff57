-- Where nothing was asked for, nobody is told to look again at once; see continue_redrives.
COMMENT ON COLUMN letter_redrives.due_at IS 'when the next of its letters are looked at';
