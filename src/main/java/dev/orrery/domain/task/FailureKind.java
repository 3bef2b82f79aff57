package dev.orrery.domain.task;

import static java.util.Objects.requireNonNull;

/** In which way an attempt failed: what the rules of its retry policy ask about. Lost nodes are no failure of a task. */
public sealed interface FailureKind {

    /** Its time was over. */
    record TimeOut() implements FailureKind {}

    /** A program ended with this exit code. */
    record ExitCode(int code) implements FailureKind {}

    /** A program was killed by this signal. */
    record Signal(int number) implements FailureKind {}

    /** A server answered with this status, which is no success. */
    record HttpStatus(int status) implements FailureKind {}

    /** Something it needs is missing or wrong, so that nothing was begun. */
    record CouldNotStart() implements FailureKind {}

    /** An error that has a name, such as {@code ConnectionRefused} or the class of what a handler threw. */
    record NamedError(String name) implements FailureKind {

        /** Of what has no name of its own. */
        public static final NamedError OTHER = new NamedError("Other");

        public NamedError {
            requireNonNull(name, "name");
        }
    }
}
