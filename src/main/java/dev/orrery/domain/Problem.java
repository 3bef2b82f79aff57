package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.Optional;

/**
 * One thing that is wrong with an input, where it stands and how to mend it.
 *
 * @param code a name for programs, such as {@code UNKNOWN_FIELD}: of a request or a DAG file the name of a {@link ProblemCode}
 * @param line the line from 1 on, 0 where there is none
 * @param column the column from 1 on, 0 where there is none
 * @param path the place in the document, such as {@code tasks[2].timeout}; empty for the whole
 * @param help how to mend it
 */
public record Problem(String code, int line, int column, String path, String message, Optional<String> help) {

    public Problem {
        requireNonNull(code, "code");
        requireNonNull(path, "path");
        requireNonNull(message, "message");
        requireNonNull(help, "help");
    }

    public Problem(ProblemCode code, int line, int column, String path, String message, Optional<String> help) {
        this(code.name(), line, column, path, message, help);
    }

    /** A problem of a place that has no line, such as a query parameter. */
    public static Problem at(String path, ProblemCode code, String message) {
        return new Problem(code, 0, 0, path, message, Optional.empty());
    }
}
