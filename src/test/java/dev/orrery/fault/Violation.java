package dev.orrery.fault;

import java.util.List;

/** A rule that was broken: by what, and the records that show it. */
public record Violation(Rule rule, String what, List<String> evidence) {

    public Violation {
        evidence = List.copyOf(evidence);
    }

    static Violation of(Rule rule, String what, Object... evidence) {
        return new Violation(
                rule,
                what,
                java.util.Arrays.stream(evidence).map(String::valueOf).toList());
    }
}
