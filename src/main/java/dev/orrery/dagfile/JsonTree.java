package dev.orrery.dagfile;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.orrery.dagfile.YamlNode.Broken;
import dev.orrery.dagfile.YamlNode.Entry;
import dev.orrery.dagfile.YamlNode.Mapping;
import dev.orrery.dagfile.YamlNode.Place;
import dev.orrery.dagfile.YamlNode.Scalar;
import dev.orrery.dagfile.YamlNode.Sequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.dag.TaskDraft;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Optional;

/**
 * Makes the tree of a task that was sent as JSON: the same as of one in a file, so that both are read alike. Its input is
 * left out of the tree and kept as it was written.
 *
 * <p>To know where everything stands costs more than all the rest, and matters only where something is wrong. So places
 * are worked out on demand: who finds problems without them reads once more.
 */
final class JsonTree {

    static final String INPUT = "input";

    /** More values than this have no task, nor the list of what it waits for. */
    private static final int MAX_VALUES = 50_000;

    private static final int MAX_DEPTH = 100;

    /** More digits than this are a text, not a number to count with. */
    private static final int MAX_NUMBER_LENGTH = 300;

    private static final Place NOWHERE = new Place(0, 0);
    private static final int BACKSLASH = '\\';

    /** The length of an escape such as {@code \\u00e9}. */
    private static final int ESCAPE = 6;

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .build();

    private final byte[] bytes;
    private final JsonParser parser;
    private final Problems problems;
    private final boolean placed;
    private int values;

    /** A task and its input. */
    record Task(Mapping fields, Optional<Json> input) {}

    /** Reads what this parser comes to. */
    JsonTree(byte[] bytes, JsonParser parser, Problems problems, boolean placed) {
        this.bytes = bytes;
        this.parser = parser;
        this.problems = problems;
        this.placed = placed;
    }

    /** A parser of these bytes, which have to be UTF-8. */
    static JsonParser parser(byte[] bytes) throws IOException {
        return JSON.createParser(bytes);
    }

    Place place() {
        if (!placed) {
            return NOWHERE;
        }
        var at = parser.currentTokenLocation();
        return new Place(Math.max(0, at.getLineNr()), Math.max(0, at.getColumnNr()));
    }

    /** The task at whose beginning the parser stands, which it leaves at its end. */
    Task task(String path) throws IOException {
        values = 0;
        var place = place();
        var entries = new ArrayList<Entry>();
        var input = Optional.<Json>empty();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            var key = new Scalar(place(), parser.currentName(), false);
            parser.nextToken();
            if (key.text().equals(INPUT)) {
                input = input(path);
            } else {
                refuseUnstorable(key.text(), key.place(), path);
                entries.add(new Entry(key, node(below(path, key.text()))));
            }
        }
        return new Task(new Mapping(place, entries), input);
    }

    private String below(String path, String name) {
        if (!placed) {
            return path;
        }
        var shown = Quoted.shortened(name, 60);
        return path.isEmpty() ? shown : path + "." + shown;
    }

    /** The value at which the parser stands. The parser bounds its depth. */
    private YamlNode node(String path) throws IOException {
        var token = parser.currentToken();
        var place = place();
        if (++values > MAX_VALUES) {
            if (values == MAX_VALUES + 1) {
                problems.add(
                        ProblemCode.OUT_OF_RANGE,
                        place,
                        path,
                        "a task may hold at most " + MAX_VALUES + " values beside its input",
                        "put what it works on into 'input', or into a file");
            }
            parser.skipChildren();
            return new Broken(place);
        }
        return switch (token) {
            case START_OBJECT -> {
                var entries = new ArrayList<Entry>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    var key = new Scalar(place(), parser.currentName(), false);
                    refuseUnstorable(key.text(), key.place(), path);
                    parser.nextToken();
                    entries.add(new Entry(key, node(below(path, key.text()))));
                }
                yield new Mapping(place, entries);
            }
            case START_ARRAY -> {
                var items = new ArrayList<YamlNode>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    items.add(node(path));
                }
                yield new Sequence(place, items);
            }
            case VALUE_STRING -> text(parser.getText(), place, path);
            default -> new Scalar(place, parser.getText(), true);
        };
    }

    private YamlNode text(String text, Place place, String path) {
        if (text.length() > YamlTree.MAX_TEXT_BYTES / 3 && SourceText.utf8Length(text) > YamlTree.MAX_TEXT_BYTES) {
            problems.add(
                    ProblemCode.OUT_OF_RANGE,
                    place,
                    path,
                    "this text is longer than " + YamlTree.MAX_TEXT_BYTES + " bytes",
                    "put it into a file on the node and name that file here, or into 'input'");
            return new Broken(place);
        }
        return refuseUnstorable(text, place, path) ? new Broken(place) : new Scalar(place, text, false);
    }

    private boolean refuseUnstorable(String text, Place place, String path) {
        if (YamlTree.isStorable(text)) {
            return false;
        }
        problems.add(
                ProblemCode.BAD_CHARACTER,
                place,
                path,
                "this text holds a NUL character or half of a surrogate pair",
                "remove the escape; such characters cannot be stored");
        return true;
    }

    private Optional<Json> input(String path) throws IOException {
        var place = place();
        var start = (int) parser.currentTokenLocation().getByteOffset();
        var badNumber = skipValue();
        var length = (int) parser.currentLocation().getByteOffset() - start;
        var where = below(path, INPUT);
        if (length > TaskDraft.MAX_INPUT_BYTES) {
            problems.add(
                    ProblemCode.OUT_OF_RANGE,
                    place,
                    where,
                    "'input' may have at most " + TaskDraft.MAX_INPUT_BYTES + " bytes, has " + length,
                    "put it into a file or a store, and where it is into 'input'");
            return Optional.empty();
        }
        if (badNumber.isPresent()) {
            problems.add(
                    ProblemCode.OUT_OF_RANGE,
                    place,
                    where,
                    "the number " + Quoted.of(badNumber.get()) + " is too large or too small",
                    "put it in quotes to pass it on as text");
            return Optional.empty();
        }
        if (holdsUnstorable(start, start + length)) {
            problems.add(
                    ProblemCode.BAD_CHARACTER,
                    place,
                    where,
                    "'input' holds a NUL character or half of a surrogate pair",
                    "remove the escape; such characters cannot be stored");
            return Optional.empty();
        }
        return Optional.of(new Json(new String(bytes, start, length, UTF_8)));
    }

    /** Goes to the end of the value; the first number in it that nobody could count with. */
    private Optional<String> skipValue() throws IOException {
        var bad = Optional.<String>empty();
        var depth = 0;
        while (true) {
            var token = parser.currentToken();
            if (token.isStructStart()) {
                depth++;
            } else if (token.isStructEnd()) {
                depth--;
            } else if (token.isNumeric() && bad.isEmpty() && isBeyondDouble(token)) {
                bad = Optional.of(parser.getText());
            }
            if (depth == 0) {
                parser.finishToken();
                return bad;
            }
            parser.nextToken();
        }
    }

    private boolean isBeyondDouble(JsonToken token) throws IOException {
        var length = parser.getTextLength();
        if (length > MAX_NUMBER_LENGTH) {
            return true;
        }
        if (token != JsonToken.VALUE_NUMBER_FLOAT) {
            return false;
        }
        var text = parser.getText();
        var value = Double.parseDouble(text);
        return Double.isInfinite(value)
                || (value == 0
                        && text.chars().takeWhile(c -> c != 'e' && c != 'E').anyMatch(c -> c >= '1' && c <= '9'));
    }

    /** Whether an escape stands in these bytes for what cannot be kept; they are JSON, so every escape is whole. */
    private boolean holdsUnstorable(int from, int to) {
        var at = from;
        while (at < to) {
            if (bytes[at] != BACKSLASH) {
                at++;
            } else if (bytes[at + 1] != 'u') {
                at += 2;
            } else {
                var unit = unit(at + 2);
                if (unit == 0 || Character.isLowSurrogate(unit)) {
                    return true;
                }
                at += ESCAPE;
                if (Character.isHighSurrogate(unit)) {
                    var paired = at + ESCAPE < to && bytes[at] == BACKSLASH && bytes[at + 1] == 'u';
                    if (!paired || !Character.isLowSurrogate(unit(at + 2))) {
                        return true;
                    }
                    at += ESCAPE;
                }
            }
        }
        return false;
    }

    private char unit(int at) {
        var unit = 0;
        for (var digit = 0; digit < 4; digit++) {
            unit = unit * 16 + Character.digit(bytes[at + digit], 16);
        }
        return (char) unit;
    }
}
