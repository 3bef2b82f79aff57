package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;

import java.util.List;
import java.util.Optional;

/**
 * After which failures another try is made. {@code giveUpOn} wins; where {@code retryOn} says anything only what it names is
 * tried again, and that even where a try is usually given up; else it is as usual.
 */
public record RetryRules(List<FailureRule> retryOn, List<FailureRule> giveUpOn) {

    public static final int MAX = 50;
    public static final RetryRules NONE = new RetryRules(List.of(), List.of());

    public RetryRules {
        retryOn = List.copyOf(retryOn);
        giveUpOn = List.copyOf(giveUpOn);
        require(retryOn.size() <= MAX, "retryOn may have at most " + MAX + " rules, has " + retryOn.size());
        require(giveUpOn.size() <= MAX, "giveUpOn may have at most " + MAX + " rules, has " + giveUpOn.size());
    }

    /**
     * Whether another try is made, as long as there are any left.
     *
     * @param isUsual whether it is where nothing is said
     */
    public boolean allow(FailureKind failure, boolean isUsual) {
        if (giveUpOn.stream().anyMatch(rule -> rule.covers(failure))) {
            return false;
        }
        return retryOn.isEmpty() ? isUsual : retryOn.stream().anyMatch(rule -> rule.covers(failure));
    }

    /** Why a try that is usually made is not, for those who read the error; empty where it is. */
    Optional<String> refusal(FailureKind failure, boolean isUsual) {
        if (!isUsual || allow(failure, true)) {
            return Optional.empty();
        }
        return giveUpOn.stream()
                .filter(rule -> rule.covers(failure))
                .map(rule -> "not tried again: giveUpOn names " + rule.text())
                .findFirst()
                .or(() -> Optional.of("not tried again: retryOn does not name it"));
    }
}
