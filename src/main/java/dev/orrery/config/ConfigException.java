package dev.orrery.config;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import java.util.List;
import java.util.Optional;

/** The configuration is wrong. Each problem says in its {@code path} where that was written: file and line, variable or flag. */
public final class ConfigException extends OrreryException {

    private static final long serialVersionUID = 1L;

    ConfigException(List<Problem> problems) {
        super(ErrorCode.VALIDATION_ERROR, message(problems), problems);
    }

    /** One that shows only when a setting is put to use; {@code origin}: the setting, file or folder that is wrong. */
    public static ConfigException of(String origin, String message, String help) {
        return new ConfigException(List.of(new Problem("INVALID_VALUE", 0, 0, origin, message, Optional.of(help))));
    }

    private static String message(List<Problem> problems) {
        return problems.size() == 1
                ? "the configuration has a problem"
                : "the configuration has " + problems.size() + " problems";
    }
}
