package dev.orrery.dagfile;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.dag.DagDraft;
import java.util.List;

/** What reading a DAG file gave. */
public sealed interface Parsed {

    /** Everything in the file is right. */
    record Valid(DagDraft draft) implements Parsed {}

    /** At least one problem, sorted by place; the last one says how many more there are where there are very many. */
    record Invalid(List<Problem> problems) implements Parsed {

        public Invalid {
            problems = List.copyOf(problems);
        }

        /** Whether the file is too large, no YAML that we take, or well-formed but wrong. */
        public ErrorCode errorCode() {
            if (holds(ProblemCode.FILE_TOO_LARGE)) {
                return ErrorCode.PAYLOAD_TOO_LARGE;
            }
            return holds(ProblemCode.PARSE_ERROR) ? ErrorCode.PARSE_ERROR : ErrorCode.VALIDATION_ERROR;
        }

        private boolean holds(ProblemCode code) {
            return problems.stream().anyMatch(problem -> problem.code().equals(code.name()));
        }
    }

    /** The draft; throws an OrreryException with all problems where there is none. */
    default DagDraft orThrow() {
        return switch (this) {
            case Valid(var draft) -> draft;
            case Invalid invalid ->
                throw new OrreryException(
                        invalid.errorCode(),
                        "the DAG file is not valid: " + first(invalid.problems()),
                        invalid.problems());
        };
    }

    private static String first(List<Problem> problems) {
        var more = problems.size() > 1 ? " (and more)" : "";
        return problems.getFirst().message() + more;
    }
}
