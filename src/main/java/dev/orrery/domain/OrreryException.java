package dev.orrery.domain;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An error that is answered to a caller: a code, a message without internals, and a problem for each wrong place.
 *
 * <p>Only a fault of our own has a stack trace. All others tell what a caller or the world around did: under overload, or
 * while the database is away, they come by the thousand, and the place in the code says nothing.
 */
public class OrreryException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final ErrorCode code;
    private final transient List<Problem> problems;

    public OrreryException(ErrorCode code, String message) {
        this(code, message, List.of());
    }

    public OrreryException(ErrorCode code, String message, List<Problem> problems) {
        this(code, message, null, problems);
    }

    public OrreryException(ErrorCode code, String message, Throwable cause) {
        this(code, message, cause, List.of());
    }

    private OrreryException(ErrorCode code, String message, @Nullable Throwable cause, List<Problem> problems) {
        super(message, cause, true, code == ErrorCode.INTERNAL_ERROR);
        this.code = code;
        this.problems = List.copyOf(problems);
    }

    public ErrorCode code() {
        return code;
    }

    public List<Problem> problems() {
        return problems;
    }
}
