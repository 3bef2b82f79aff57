package dev.orrery.dagfile;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import dev.orrery.dagfile.YamlNode.Broken;
import dev.orrery.dagfile.YamlNode.Mapping;
import dev.orrery.dagfile.YamlNode.Scalar;
import dev.orrery.dagfile.YamlNode.Sequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import java.util.regex.Pattern;

/** Reads a value of any shape as JSON, by the core schema of YAML. */
final class JsonReader {

    /** More digits than this are a text, not a number to count with. */
    private static final int MAX_NUMBER_LENGTH = 300;

    private static final Pattern LEADING_ZERO = Pattern.compile("[-+]?0[0-9].*");
    private static final Pattern ZERO = Pattern.compile("[-+]?[0.]+(?:[eE].*)?");
    private static final JsonStringEncoder TEXTS = JsonStringEncoder.getInstance();

    private final StringBuilder json = new StringBuilder();
    private final Problems problems;

    private JsonReader(Problems problems) {
        this.problems = problems;
    }

    /** The value; what has no JSON form is noted, and null stands in its place. */
    static Json read(YamlNode node, String path, Problems problems) {
        var reader = new JsonReader(problems);
        reader.append(node, path);
        return new Json(reader.json.toString());
    }

    // Recursion is safe: the tree is at most YamlTree.MAX_DEPTH deep.
    private void append(YamlNode node, String path) {
        switch (node) {
            case Scalar scalar -> appendScalar(scalar, path);
            case Sequence sequence -> appendItems(sequence, path);
            case Mapping mapping -> appendEntries(mapping, path);
            case Broken _ -> json.append("null");
        }
    }

    private void appendItems(Sequence sequence, String path) {
        json.append('[');
        for (var n = 0; n < sequence.items().size(); n++) {
            if (n > 0) {
                json.append(',');
            }
            append(sequence.items().get(n), path + "[" + n + "]");
        }
        json.append(']');
    }

    private void appendEntries(Mapping mapping, String path) {
        json.append('{');
        var separator = "";
        for (var entry : mapping.entries()) {
            json.append(separator);
            appendText(entry.key().text());
            json.append(':');
            append(entry.value(), path + "." + Quoted.shortened(entry.key().text(), 60));
            separator = ",";
        }
        json.append('}');
    }

    private void appendScalar(Scalar scalar, String path) {
        switch (CoreSchema.kindOf(scalar)) {
            case TEXT -> appendText(scalar.text());
            case NULL -> json.append("null");
            case BOOLEAN -> json.append(CoreSchema.isTrue(scalar));
            case INTEGER -> appendNumber(scalar, path, true);
            case NUMBER -> appendNumber(scalar, path, false);
            case NO_NUMBER ->
                refuse(scalar, path, ProblemCode.NOT_JSON, "JSON has no number " + Quoted.of(scalar.text()));
        }
    }

    private void appendText(String text) {
        json.append('"');
        TEXTS.quoteAsString(text, json);
        json.append('"');
    }

    private void appendNumber(Scalar scalar, String path, boolean isInteger) {
        var text = scalar.text();
        if (LEADING_ZERO.matcher(text).matches()) {
            refuse(
                    scalar,
                    path,
                    ProblemCode.AMBIGUOUS_VALUE,
                    "the number " + Quoted.of(text) + " begins with a zero, which some readers take as octal");
        } else if (text.length() > MAX_NUMBER_LENGTH || isBeyondDouble(scalar)) {
            refuse(
                    scalar,
                    path,
                    ProblemCode.OUT_OF_RANGE,
                    "the number " + Quoted.of(text) + " is too large or too small");
        } else {
            json.append(isInteger ? CoreSchema.integer(scalar).toString() : number(text));
        }
    }

    private static boolean isBeyondDouble(Scalar scalar) {
        var value = CoreSchema.number(scalar);
        return Double.isInfinite(value)
                || (value == 0 && !ZERO.matcher(scalar.text()).matches());
    }

    /** As it was written, where JSON has the same form. */
    private static String number(String text) {
        if (ZERO.matcher(text).matches()) {
            return "0.0";
        }
        var unsigned = text.startsWith("+") || text.startsWith("-") ? text.substring(1) : text;
        var sign = text.startsWith("-") ? "-" : "";
        var whole = unsigned.startsWith(".") ? "0" + unsigned : unsigned;
        return sign + whole.replaceFirst("\\.(?![0-9])", ".0");
    }

    private void refuse(Scalar scalar, String path, ProblemCode code, String message) {
        problems.add(code, scalar.place(), path, message, "put it in quotes to pass it on as text");
        json.append("null");
    }
}
