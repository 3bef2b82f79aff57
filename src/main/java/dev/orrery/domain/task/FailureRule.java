package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Nearest;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Which failures are meant: an entry of {@code retryOn} or {@code giveUpOn}, such as {@code timeout}, {@code exit:1-9},
 * {@code http:5xx} or {@code error:ConnectionRefused}. It keeps the text that was written.
 */
public record FailureRule(String text) {

    /** What can be written, in words that follow "write". */
    public static final String FORMS =
            "timeout, start, exit, exit:75, exit:1-9, signal, signal:9, http, http:429, http:5xx, error or"
                    + " error:ConnectionRefused";

    /** The same, for those who read JSON Schema. */
    public static final String PATTERN = "^(timeout|start|exit(:[0-9]{1,3}(-[0-9]{1,3})?)?|signal(:[0-9]{1,2})?"
            + "|http(:([0-9]{3}(-[0-9]{3})?|[1-5]xx))?|error(:[A-Za-z_$][A-Za-z0-9_.$]{0,254})?)$";

    private static final Pattern FORM = Pattern.compile(PATTERN);
    private static final List<String> KINDS = List.of("timeout", "start", "exit", "signal", "http", "error");
    private static final int SIGNAL_BASE = 128;
    private static final int HUNDRED = 100;

    /** Numbers from one to another, both included. */
    private record Span(int first, int last) {

        boolean holds(int number) {
            return number >= first && number <= last;
        }

        boolean isWithin(int least, int most) {
            return first >= least && last <= most && first <= last;
        }
    }

    public FailureRule {
        requireNonNull(text, "text");
        var wrong = objection(text);
        require(wrong.isEmpty(), wrong.orElse(""));
    }

    /** What is wrong with a rule that is written so, in words that follow it; empty where nothing is. */
    public static Optional<String> objection(String text) {
        if (!FORM.matcher(text).matches()) {
            return Optional.of("is no kind of failure");
        }
        var what = what(text);
        return switch (kind(text)) {
            case "exit" -> within(what, 1, 255);
            case "signal" -> within(what, 1, 64);
            case "http" -> within(what, HUNDRED, 599);
            default -> Optional.empty();
        };
    }

    /** What was probably meant, or what can be written. */
    public static String help(String text) {
        var kind = kind(text);
        if (kind.equals("lost")) {
            return "leave it out: a task whose node is lost is tried again by itself, and nothing is charged for it";
        }
        return Nearest.to(kind, KINDS)
                .filter(nearest -> !nearest.equals(kind))
                .map(nearest -> "did you mean '" + nearest + text.substring(kind.length()) + "'?")
                .orElse("write " + FORMS);
    }

    private static Optional<String> within(Optional<String> what, int least, int most) {
        return what.isEmpty() || span(what.get()).isWithin(least, most)
                ? Optional.empty()
                : Optional.of("is out of range: it can be " + least + " to " + most);
    }

    /** Whether a failure is of this kind. */
    public boolean covers(FailureKind failure) {
        var what = what(text);
        return switch (failure) {
            case FailureKind.TimeOut() -> text.equals("timeout");
            case FailureKind.CouldNotStart() -> text.equals("start");
            case FailureKind.ExitCode(var code) -> is("exit") && isNumber(what, code);
            // Shells say a signal by an exit code, and people write either.
            case FailureKind.Signal(var number) ->
                (is("signal") && isNumber(what, number)) || (is("exit") && isNumber(what, SIGNAL_BASE + number));
            case FailureKind.HttpStatus(var status) -> is("http") && isNumber(what, status);
            case FailureKind.NamedError(var name) ->
                is("error") && what.filter(wanted -> !wanted.equals(name)).isEmpty();
        };
    }

    private boolean is(String kind) {
        return kind(text).equals(kind);
    }

    private static boolean isNumber(Optional<String> what, int number) {
        return what.isEmpty() || span(what.get()).holds(number);
    }

    private static Span span(String text) {
        if (text.endsWith("xx")) {
            var hundreds = HUNDRED * Integer.parseInt(text.substring(0, 1));
            return new Span(hundreds, hundreds + HUNDRED - 1);
        }
        var dash = text.indexOf('-');
        return dash < 0
                ? new Span(Integer.parseInt(text), Integer.parseInt(text))
                : new Span(Integer.parseInt(text.substring(0, dash)), Integer.parseInt(text.substring(dash + 1)));
    }

    private static String kind(String text) {
        var colon = text.indexOf(':');
        return colon < 0 ? text : text.substring(0, colon);
    }

    private static Optional<String> what(String text) {
        var colon = text.indexOf(':');
        return colon < 0 ? Optional.empty() : Optional.of(text.substring(colon + 1));
    }
}
