package dev.orrery.cli.client;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;

/** A text is not the JSON that was asked for; the message says what and where. */
public final class NotJson extends OrreryException {

    private static final long serialVersionUID = 1L;

    NotJson(String message) {
        super(ErrorCode.PARSE_ERROR, message);
    }
}
