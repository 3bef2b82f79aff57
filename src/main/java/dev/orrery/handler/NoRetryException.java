package dev.orrery.handler;

/** Fails a task for good: another try would fail in the same way, for instance because its input makes no sense. */
public class NoRetryException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public NoRetryException(String message) {
        super(message);
    }

    public NoRetryException(String message, Throwable cause) {
        super(message, cause);
    }
}
