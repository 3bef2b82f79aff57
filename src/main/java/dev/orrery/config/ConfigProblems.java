package dev.orrery.config;

import dev.orrery.domain.Problem;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Collects what is wrong, so that all of it can be told at once. */
final class ConfigProblems {

    /** A file that is no configuration at all would have thousands. */
    private static final int MAX_KEPT = 100;

    private final List<Problem> problems = new ArrayList<>();
    private final Set<String> sections = new HashSet<>();

    /** {@code origin}: where it was written, such as {@code node.yaml:3:9} or {@code ORRERY_HTTP_PORT}. */
    void add(String origin, String code, String message, Optional<String> help) {
        if (problems.size() < MAX_KEPT) {
            problems.add(new Problem(code, 0, 0, origin, message, help));
        }
    }

    /** Notes a wrong value. */
    void addValue(Setting<?> setting, String origin, String message) {
        sections.add(setting.section());
        add(origin, "INVALID_VALUE", message, Optional.empty());
    }

    /** Whether a value of the section is wrong, so that its values cannot be held against each other. */
    boolean hasValueOf(Settings.Section section) {
        return sections.contains(section.name());
    }

    void throwIfAny() {
        if (!problems.isEmpty()) {
            throw new ConfigException(problems);
        }
    }
}
