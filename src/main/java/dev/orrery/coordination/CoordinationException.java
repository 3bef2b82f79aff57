package dev.orrery.coordination;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;

/** The coordination service did not do what it was asked to, or did not say that it has. */
public final class CoordinationException extends OrreryException {

    private static final long serialVersionUID = 1L;

    public CoordinationException(String message) {
        super(ErrorCode.UNAVAILABLE, message);
    }

    public CoordinationException(String message, Throwable cause) {
        super(ErrorCode.UNAVAILABLE, message, cause);
    }
}
