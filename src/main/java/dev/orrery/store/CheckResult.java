package dev.orrery.store;

import java.util.List;

/**
 * What one check of an examination came to.
 *
 * @param check its name, the same in every release
 * @param meaning what should hold, and what follows where it does not
 * @param count how many break it; what is beyond {@link DatabaseDoctor#COUNTED} is not counted
 * @param examples some of them, in words or by their ids
 * @param cure what to do about it
 * @param note what else there is to know, such as why it could not be checked; may be empty
 */
public record CheckResult(
        String check, Outcome outcome, String meaning, int count, List<String> examples, String cure, String note) {

    /** How a check can end. */
    public enum Outcome {
        OK,
        FOUND,
        NOT_CHECKED
    }

    public CheckResult {
        examples = List.copyOf(examples);
    }

    /** Nothing breaks it. */
    public static CheckResult ok(String check, String meaning) {
        return new CheckResult(check, Outcome.OK, meaning, 0, List.of(), "", "");
    }

    /** These break it; all of them are examples. */
    public static CheckResult found(String check, String meaning, List<String> examples, String cure) {
        return new CheckResult(check, Outcome.FOUND, meaning, examples.size(), examples, cure, "");
    }

    /** It could not be told. */
    public static CheckResult unknown(String check, String meaning, String why) {
        return new CheckResult(check, Outcome.NOT_CHECKED, meaning, 0, List.of(), "", why);
    }
}
