package dev.orrery.dagfile;

import static java.util.Comparator.comparingInt;

import dev.orrery.dagfile.YamlNode.Place;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Collects what is wrong with a file. Help that has to be searched for is only worked out for the problems that are
 * shown.
 */
final class Problems {

    static final int MAX_SHOWN = 100;
    private static final int MAX_KEPT = 10_000;

    private final List<Finding> findings = new ArrayList<>();
    private int count;

    private record Finding(
            Place place, ProblemCode code, String path, String message, Supplier<Optional<String>> help) {

        Problem problem() {
            return new Problem(code, place.line(), place.column(), path, message, help.get());
        }
    }

    void add(ProblemCode code, Place place, String path, String message, String help) {
        add(code, place, path, message, () -> Optional.of(help));
    }

    void add(ProblemCode code, Place place, String path, String message, Supplier<Optional<String>> help) {
        count++;
        if (findings.size() < MAX_KEPT) {
            findings.add(new Finding(place, code, path, message, help));
        }
    }

    int count() {
        return count;
    }

    /** Sorted by place, and with a last one that counts the rest where there are too many to show. */
    List<Problem> sorted() {
        findings.sort(comparingInt((Finding finding) -> finding.place().line())
                .thenComparingInt(finding -> finding.place().column()));
        var shown = new ArrayList<Problem>();
        findings.stream().limit(MAX_SHOWN).forEach(finding -> shown.add(finding.problem()));
        if (count > shown.size()) {
            var last = shown.getLast();
            shown.add(new Problem(
                    ProblemCode.TOO_MANY_PROBLEMS,
                    last.line(),
                    last.column(),
                    "",
                    "and " + (count - shown.size()) + " more problems",
                    Optional.of("mend these first")));
        }
        return shown;
    }
}
