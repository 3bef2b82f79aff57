package dev.orrery.expression;

import dev.cel.common.CelIssue;
import dev.cel.common.types.CelType;
import dev.cel.runtime.CelEvaluationException;
import dev.orrery.domain.Nearest;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.expression.Expression.Wanted;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the compiler and the runtime say, for people who know neither: what is wrong, where, and how to mend it. */
final class Complaints {

    private static final int SHOWN_MAX = 5;

    private static final Pattern UNKNOWN =
            Pattern.compile("undeclared reference to '(.+?)' \\(in container .*", Pattern.DOTALL);
    private static final Pattern NO_FIELD = Pattern.compile("undefined field '(.+?)'", Pattern.DOTALL);
    private static final Pattern NO_OVERLOAD = Pattern.compile(
            "found no matching overload for '(.+?)' applied to '(.*?)' \\(candidates.*", Pattern.DOTALL);
    private static final Pattern UNEXPECTED =
            Pattern.compile("(?:mismatched|extraneous) input '(.+?)' expecting .*", Pattern.DOTALL);
    private static final Pattern UNREADABLE = Pattern.compile("no viable alternative at input '(.+)'", Pattern.DOTALL);
    private static final Pattern NO_TOKEN = Pattern.compile("token recognition error at: '(.+)'", Pattern.DOTALL);
    private static final Pattern EVALUATION =
            Pattern.compile("evaluation error(?: at [^:]*:(\\d+))?: (.*)", Pattern.DOTALL);
    private static final Pattern NO_OVERLOAD_NOW =
            Pattern.compile("No matching overload for function '(.+?)'.*", Pattern.DOTALL);
    private static final Pattern NO_KEY = Pattern.compile("key '(.+)' is not present in map\\.?", Pattern.DOTALL);

    private static final String CONVERT = "convert with string(x), int(x) or double(x)";

    private static final List<String> FUNCTIONS = List.of(
            "size",
            "matches",
            "contains",
            "startsWith",
            "endsWith",
            "has",
            "all",
            "exists",
            "exists_one",
            "filter",
            "map",
            "string",
            "int",
            "uint",
            "double",
            "bool",
            "bytes",
            "duration",
            "timestamp",
            "dyn",
            "type",
            "getFullYear",
            "getMonth",
            "getDate",
            "getDayOfMonth",
            "getDayOfWeek",
            "getDayOfYear",
            "getHours",
            "getMinutes",
            "getSeconds",
            "getMilliseconds",
            "orValue",
            "join",
            "replace",
            "split",
            "substring",
            "trim",
            "indexOf",
            "lastIndexOf",
            "charAt",
            "lowerAscii",
            "upperAscii");

    private final Scope scope;
    private final String path;

    Complaints(Scope scope, String path) {
        this.scope = scope;
        this.path = path;
    }

    /** What is wrong with a text, and what helps. */
    private record Said(String message, Optional<String> help) {

        static Said of(String message) {
            return new Said(message, Optional.empty());
        }

        static Said of(String message, String help) {
            return new Said(message, Optional.of(help));
        }
    }

    /** Of several mistakes in the writing only the first is told: the others follow from it as a rule. */
    List<Problem> ofIssues(List<CelIssue> issues) {
        var problems = new ArrayList<Problem>();
        for (var issue : issues) {
            var location = issue.getSourceLocation();
            var said = said(issue.getMessage());
            problems.add(new Problem(
                    ProblemCode.BAD_EXPRESSION,
                    Math.max(1, location.getLine()),
                    Math.max(0, location.getColumn()) + 1,
                    path,
                    said.message(),
                    said.help()));
            if (problems.size() == SHOWN_MAX || isOfWriting(issue.getMessage())) {
                break;
            }
        }
        return problems;
    }

    Problem ofType(CelType type, Wanted wanted) {
        var help = wanted == Wanted.TRUTH
                ? "compare it with something, such as " + scope.example() + " == 'paid'"
                : CONVERT;
        return new Problem(
                ProblemCode.BAD_EXPRESSION,
                1,
                1,
                path,
                "it must give " + wanted.description() + ", and gives " + type.name(),
                Optional.of(help));
    }

    /** One line, with the place where there is one. */
    static String ofEvaluation(String text, CelEvaluationException failed) {
        var whole = String.valueOf(failed.getMessage());
        var parts = EVALUATION.matcher(whole);
        if (!parts.matches()) {
            return Quoted.shortened(whole, 300);
        }
        var reason = Quoted.shortened(reason(parts.group(2)), 300);
        return parts.group(1) == null ? reason : reason + place(text, Integer.parseInt(parts.group(1)));
    }

    static String ofEvaluation(RuntimeException unforeseen) {
        return Quoted.shortened("it cannot be evaluated: " + unforeseen.getMessage(), 300);
    }

    private static String place(String text, int offset) {
        var before = text.substring(
                0,
                Math.min(
                        text.offsetByCodePoints(0, Math.min(offset, text.codePointCount(0, text.length()))),
                        text.length()));
        var line = before.chars().filter(letter -> letter == '\n').count() + 1;
        var column = before.length() - before.lastIndexOf('\n');
        return " (line " + line + ", column " + column + ")";
    }

    private static String reason(String said) {
        var overload = NO_OVERLOAD_NOW.matcher(said);
        if (overload.matches()) {
            return symbol(overload.group(1)) + " does not take values of these types; " + CONVERT;
        }
        var key = NO_KEY.matcher(said);
        return key.matches()
                ? "there is no '" + key.group(1) + "'; ask with has(…) first, or take .?" + key.group(1) + ".orValue(…)"
                : said;
    }

    private static boolean isOfWriting(String message) {
        return Map.of(UNEXPECTED, 1, UNREADABLE, 1, NO_TOKEN, 1).keySet().stream()
                .anyMatch(pattern -> pattern.matcher(message).matches());
    }

    private Said said(String message) {
        Matcher found = UNKNOWN.matcher(message);
        if (found.matches()) {
            return unknown(found.group(1));
        }
        found = NO_FIELD.matcher(message);
        if (found.matches()) {
            return noField(found.group(1));
        }
        found = NO_OVERLOAD.matcher(message);
        if (found.matches()) {
            return Said.of(symbol(found.group(1)) + " does not take (" + listed(found.group(2)) + ")", CONVERT);
        }
        return ofWriting(message);
    }

    private static Said ofWriting(String message) {
        var found = UNEXPECTED.matcher(message);
        if (found.matches()) {
            return found.group(1).equals("<EOF>")
                    ? Said.of("it ends too early", "is a bracket or a value missing?")
                    : Said.of(Quoted.of(found.group(1)) + " is not expected here");
        }
        found = UNREADABLE.matcher(message);
        if (found.matches()) {
            return Said.of(
                    Quoted.of(found.group(1)) + " cannot be read",
                    "a field whose name is a word of the language is written in brackets: ['in']");
        }
        found = NO_TOKEN.matcher(message);
        return found.matches()
                ? Said.of(
                        Quoted.of(found.group(1)) + " cannot be read",
                        "texts stand in quotes, and end on the line they begin on")
                : Said.of(Quoted.shortened(message, 300));
    }

    private Said unknown(String name) {
        if (scope.fields().containsKey(name)) {
            return Said.of("there is no " + Quoted.of(name), "write " + scope.variable() + "." + name);
        }
        var known = new ArrayList<>(FUNCTIONS);
        known.addFirst(scope.variable());
        return Said.of(
                "there is no " + Quoted.of(name),
                meant(name, known).orElse("known is '" + scope.variable() + "' with " + fields()));
    }

    private Said noField(String name) {
        return Said.of(
                "'" + scope.variable() + "' has no field " + Quoted.of(name),
                meant(name, scope.fieldNames()).orElse("its fields are " + fields()));
    }

    private static Optional<String> meant(String name, List<String> known) {
        return Nearest.to(name, known).map(near -> "did you mean '" + near + "'?");
    }

    private String fields() {
        return String.join(", ", scope.fieldNames());
    }

    /** {@code _+_} is {@code +}, {@code !_} is {@code !}. */
    private static String symbol(String function) {
        var name = function.startsWith("@") ? function.substring(1) : function;
        return "'" + (name.contains("_") && !name.matches("[a-z_]+") ? name.replace("_", "") : name) + "'";
    }

    /** {@code (int, string)} of an operator, {@code list(int).(string)} of a function after a dot. */
    private static String listed(String types) {
        var dot = types.startsWith("(") ? -1 : types.lastIndexOf(".(");
        var after = types.substring(dot < 0 ? 1 : dot + 2, types.length() - 1);
        var before = dot < 0 ? "" : types.substring(0, dot);
        return before.isEmpty() || after.isEmpty() ? before + after : before + ", " + after;
    }
}
