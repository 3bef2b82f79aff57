package dev.orrery.fault;

import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What the checker found.
 *
 * @param violations all rules that were broken, with their evidence
 * @param runs how many accepted runs were judged
 * @param changes how many changes of state
 * @param effects how many lines of the tasks' processes
 * @param longestOverlap how long an older attempt's process went on beside a newer one's, at worst
 */
public record Report(List<Violation> violations, int runs, int changes, int effects, Duration longestOverlap) {

    private static final int SHOWN_OF_EACH_RULE = 5;

    public Report {
        violations = List.copyOf(violations);
    }

    public boolean isGood() {
        return violations.isEmpty();
    }

    /** The rules that were broken. */
    public List<Rule> broken() {
        return violations.stream().map(Violation::rule).distinct().sorted().toList();
    }

    /** For people: the verdict, then each broken rule with the first of its violations. */
    @Override
    public String toString() {
        var head = "%d runs, %d changes of state, %d effects: %s%n"
                .formatted(runs, changes, effects, isGood() ? "all rules hold" : violations.size() + " violations");
        return head + broken().stream().map(this::told).collect(Collectors.joining());
    }

    private String told(Rule rule) {
        var those = violations.stream().filter(v -> v.rule() == rule).toList();
        var text = new StringBuilder("%n%s: %s%n".formatted(rule, rule.sentence()));
        those.stream().limit(SHOWN_OF_EACH_RULE).forEach(violation -> {
            text.append("  ").append(violation.what()).append('\n');
            violation
                    .evidence()
                    .forEach(line -> text.append("      ").append(line).append('\n'));
        });
        if (those.size() > SHOWN_OF_EACH_RULE) {
            text.append("  and %d more%n".formatted(those.size() - SHOWN_OF_EACH_RULE));
        }
        return text.toString();
    }
}
