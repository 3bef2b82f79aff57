package dev.orrery.coordination;

/** The coordination service did not do what it was asked to, or did not say that it has. */
public final class CoordinationException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public CoordinationException(String message) {
        super(message);
    }

    public CoordinationException(String message, Throwable cause) {
        super(message, cause);
    }
}
