package dev.orrery.testing;

import java.util.regex.Pattern;

/** Logs of attempts as tests compare them. */
public final class LogTexts {

    private static final Pattern TIME =
            Pattern.compile("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z ", Pattern.MULTILINE);

    private LogTexts() {}

    /** The log without the times at which its entries were said. */
    public static String timeless(String log) {
        return TIME.matcher(log).replaceAll("");
    }
}
