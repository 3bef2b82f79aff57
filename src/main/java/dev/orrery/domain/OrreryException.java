package dev.orrery.domain;

import java.util.List;

/** An error that is answered to a caller: a code, a message without internals, and a problem for each wrong place. */
public class OrreryException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final ErrorCode code;
    private final transient List<Problem> problems;

    public OrreryException(ErrorCode code, String message) {
        this(code, message, List.of());
    }

    public OrreryException(ErrorCode code, String message, List<Problem> problems) {
        super(message);
        this.code = code;
        this.problems = List.copyOf(problems);
    }

    public OrreryException(ErrorCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
        this.problems = List.of();
    }

    public ErrorCode code() {
        return code;
    }

    public List<Problem> problems() {
        return problems;
    }
}
