package dev.orrery.domain;

/** The node cannot start. The message is one line that names what is wrong, where, and the cure; it is all the user sees. */
public class StartupException extends OrreryException {

    private static final long serialVersionUID = 1L;

    public StartupException(String message) {
        super(ErrorCode.UNAVAILABLE, message);
    }

    public StartupException(String message, Throwable cause) {
        super(ErrorCode.UNAVAILABLE, message, cause);
    }
}
