package dev.orrery.executor;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;

/** An attempt cannot begin, and another try would not go better: something it needs is missing or wrong. */
final class CannotStart extends OrreryException {

    private static final long serialVersionUID = 1L;

    private final String reason;

    CannotStart(String reason) {
        super(ErrorCode.VALIDATION_ERROR, reason);
        this.reason = reason;
    }

    /** What is missing or wrong, for the user. */
    String reason() {
        return reason;
    }
}
