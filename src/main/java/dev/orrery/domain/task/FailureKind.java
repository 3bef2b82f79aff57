package dev.orrery.domain.task;

import static java.util.Objects.requireNonNull;

import java.util.Optional;

/** In which way an attempt failed: what the rules of its retry policy ask about. Lost nodes are no failure of a task. */
public sealed interface FailureKind {

    /**
     * The one that is written as a rule that names it alone, such as {@code exit:75} or {@code error:ConnectionRefused};
     * {@code error} alone is an error without a name. Empty where the text names none, or more than one.
     */
    static Optional<FailureKind> parse(String text) {
        if (FailureRule.objection(text).isPresent()) {
            return Optional.empty();
        }
        var colon = text.indexOf(':');
        var what = colon < 0 ? "" : text.substring(colon + 1);
        return switch (colon < 0 ? text : text.substring(0, colon)) {
            case "timeout" -> Optional.of(new TimeOut());
            case "start" -> Optional.of(new CouldNotStart());
            case "exit" -> number(what).map(ExitCode::new);
            case "signal" -> number(what).map(Signal::new);
            case "http" -> number(what).map(HttpStatus::new);
            default -> Optional.of(what.isEmpty() ? NamedError.OTHER : new NamedError(what));
        };
    }

    private static Optional<Integer> number(String text) {
        return Optional.of(text)
                .filter(digits -> !digits.isEmpty() && digits.chars().allMatch(Character::isDigit))
                .map(Integer::valueOf);
    }

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
