package dev.orrery.dagfile;

import dev.orrery.domain.Problem;
import dev.orrery.domain.dag.DagDraft;
import java.util.List;

/** Files for tests of the parser, and what became of them. */
final class DagFiles {

    private DagFiles() {}

    /** A file of one task with these fields. */
    static String task(String fields) {
        return "tasks: [{id: a, " + fields + "}]";
    }

    /** What a file says that must be valid. */
    static DagDraft valid(String yaml) {
        return switch (DagFileParser.parse(yaml)) {
            case Parsed.Valid(var draft) -> draft;
            case Parsed.Invalid(var problems) -> throw new AssertionError("not valid: " + problems);
        };
    }

    /** What is wrong with a file that must not be valid. */
    static List<Problem> problems(String yaml) {
        return problems(DagFileParser.parse(yaml));
    }

    static List<Problem> problems(Parsed parsed) {
        return switch (parsed) {
            case Parsed.Valid(var draft) -> throw new AssertionError("valid: " + draft);
            case Parsed.Invalid(var problems) -> problems;
        };
    }
}
