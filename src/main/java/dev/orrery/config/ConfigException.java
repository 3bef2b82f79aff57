package dev.orrery.config;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import java.util.List;

/** The configuration is wrong. Each problem says in its {@code path} where that was written: file and line, variable or flag. */
public final class ConfigException extends OrreryException {

    private static final long serialVersionUID = 1L;

    ConfigException(List<Problem> problems) {
        super(ErrorCode.VALIDATION_ERROR, message(problems), problems);
    }

    private static String message(List<Problem> problems) {
        return problems.size() == 1
                ? "the configuration has a problem"
                : "the configuration has " + problems.size() + " problems";
    }
}
