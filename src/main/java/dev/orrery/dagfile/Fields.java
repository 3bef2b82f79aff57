package dev.orrery.dagfile;

import dev.orrery.dagfile.CoreSchema.Kind;
import dev.orrery.dagfile.YamlNode.Broken;
import dev.orrery.dagfile.YamlNode.Mapping;
import dev.orrery.dagfile.YamlNode.Place;
import dev.orrery.dagfile.YamlNode.Scalar;
import dev.orrery.dagfile.YamlNode.Sequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.Nearest;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.Times;
import dev.orrery.domain.WireNamed;
import dev.orrery.domain.task.Durations;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The fields of one mapping. A field that is absent is an empty Optional; one that is wrong is too, after its problem was
 * noted.
 */
final class Fields {

    private final Mapping mapping;
    private final String path;
    private final Problems problems;
    private final Map<String, YamlNode> values = new HashMap<>();

    Fields(Mapping mapping, String path, Problems problems) {
        this.mapping = mapping;
        this.path = path;
        this.problems = problems;
        mapping.entries().forEach(entry -> values.put(entry.key().text(), entry.value()));
    }

    Problems problems() {
        return problems;
    }

    Place place() {
        return mapping.place();
    }

    String path(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    /** Whatever stands there, but what was already complained about. */
    Optional<YamlNode> value(String name) {
        return Optional.ofNullable(values.get(name)).filter(node -> !(node instanceof Broken));
    }

    /** Notes every field that is not known here; {@code explain} may say more than that. */
    void refuseUnknown(Collection<String> known, Function<String, Optional<String>> explain) {
        for (var entry : mapping.entries()) {
            var name = entry.key().text();
            if (!known.contains(name)) {
                var explained = explain.apply(name);
                problems.add(
                        ProblemCode.UNKNOWN_FIELD,
                        entry.key().place(),
                        path(Quoted.shortened(name, 60)),
                        explained.orElseGet(() -> "unknown field " + Quoted.of(name)),
                        () -> Optional.of(explained.isPresent() ? remedy(known) : suggestion(name, known)));
            }
        }
    }

    private static String suggestion(String name, Collection<String> known) {
        return FieldNames.synonym(name)
                .filter(known::contains)
                .or(() -> Nearest.to(name, known))
                .map(nearest -> "did you mean '" + nearest + "'?")
                .orElseGet(() -> remedy(known));
    }

    private static String remedy(Collection<String> known) {
        return "known here: " + String.join(", ", known);
    }

    void requirePresent(String name, String help) {
        if (!has(name)) {
            problems.add(ProblemCode.MISSING_FIELD, place(), path(name), "the field '" + name + "' is missing", help);
        }
    }

    /** A text that follows the rule. */
    Optional<String> text(String name, TextRule rule) {
        var node = values.get(name);
        if (node == null || node instanceof Broken) {
            return Optional.empty();
        }
        return node instanceof Scalar scalar && CoreSchema.kindOf(scalar) == Kind.TEXT && rule.allows(scalar.text())
                ? Optional.of(scalar.text())
                : text(node, path(name), Quoted.of(name), rule);
    }

    private Optional<String> text(YamlNode node, String place, String what, TextRule rule) {
        if (!(node instanceof Scalar scalar) || CoreSchema.kindOf(scalar) != Kind.TEXT) {
            refuseType(node, place, what, "a text");
            return Optional.empty();
        }
        if (!rule.allows(scalar.text())) {
            var message = what + " " + rule.demand() + ", is " + Quoted.of(scalar.text());
            problems.add(rule.code(), node.place(), place, message, rule.help());
            return Optional.empty();
        }
        return Optional.of(scalar.text());
    }

    Optional<Integer> wholeNumber(String name, int min, int max) {
        return number(name, min, max, true).map(Double::intValue);
    }

    Optional<Double> number(String name, double min, double max) {
        return number(name, min, max, false);
    }

    private Optional<Double> number(String name, double min, double max, boolean isWhole) {
        var node = value(name);
        if (node.isEmpty()) {
            return Optional.empty();
        }
        if (!(node.get() instanceof Scalar scalar) || !isNumber(scalar, isWhole)) {
            refuseType(node.get(), path(name), Quoted.of(name), isWhole ? "a whole number" : "a number");
            return Optional.empty();
        }
        var number = CoreSchema.number(scalar);
        if (number < min || number > max) {
            refuseRange(scalar, name, plain(min) + " to " + plain(max), Quoted.shortened(scalar.text(), 60));
            return Optional.empty();
        }
        return Optional.of(number);
    }

    Optional<Boolean> truth(String name) {
        var node = value(name);
        if (node.isEmpty()) {
            return Optional.empty();
        }
        if (!(node.get() instanceof Scalar scalar) || CoreSchema.kindOf(scalar) != Kind.BOOLEAN) {
            refuseType(node.get(), path(name), Quoted.of(name), "true or false");
            return Optional.empty();
        }
        return Optional.of(Boolean.parseBoolean(scalar.text()));
    }

    private static boolean isNumber(Scalar scalar, boolean isWhole) {
        var kind = CoreSchema.kindOf(scalar);
        return kind == Kind.INTEGER
                || (kind == Kind.NUMBER
                        && (!isWhole || CoreSchema.number(scalar) == Math.rint(CoreSchema.number(scalar))));
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? Long.toString((long) number) : Double.toString(number);
    }

    Optional<Duration> duration(String name, Duration min, Duration max) {
        var node = value(name);
        if (node.isEmpty()) {
            return Optional.empty();
        }
        if (!(node.get() instanceof Scalar scalar) || !mayBeDuration(CoreSchema.kindOf(scalar))) {
            refuseType(node.get(), path(name), Quoted.of(name), "a duration");
            return Optional.empty();
        }
        var duration = Durations.parse(scalar.text());
        if (duration.isEmpty()) {
            refuseDuration(scalar, name);
            return Optional.empty();
        }
        if (duration.get().compareTo(min) < 0 || duration.get().compareTo(max) > 0) {
            refuseRange(
                    scalar,
                    name,
                    Durations.text(min) + " to " + Durations.text(max),
                    Quoted.shortened(scalar.text(), 60));
            return Optional.empty();
        }
        return duration;
    }

    /** A time with its offset. */
    Optional<Instant> time(String name) {
        var text = text(name, TextRule.ANY);
        var time = text.flatMap(Times::parse);
        if (text.isPresent() && time.isEmpty()) {
            refuse(
                    name,
                    ProblemCode.INVALID_VALUE,
                    Quoted.of(name) + " is no time from 1970 to 9999: " + Quoted.of(text.get()),
                    "write it like 2026-01-31T08:00:00Z, or with the offset of a zone: 2026-01-31T09:00:00+01:00");
        }
        return time;
    }

    /** One of a family of names. */
    <E extends Enum<E> & WireNamed> Optional<E> choice(String name, Class<E> family) {
        return text(name, TextRule.ANY).flatMap(text -> {
            for (var constant : family.getEnumConstants()) {
                if (constant.wireName().equals(text)) {
                    return Optional.of(constant);
                }
            }
            var known = Stream.of(family.getEnumConstants())
                    .map(WireNamed::wireName)
                    .toList();
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    value(name).map(YamlNode::place).orElse(place()),
                    path(name),
                    Quoted.of(name) + " cannot be " + Quoted.of(text),
                    () -> Optional.of(Nearest.to(text, known)
                            .map(nearest -> "did you mean '" + nearest + "'?")
                            .orElse("it can be " + String.join(", ", known))));
            return Optional.empty();
        });
    }

    private static boolean mayBeDuration(Kind kind) {
        return kind == Kind.TEXT || kind == Kind.INTEGER || kind == Kind.NUMBER;
    }

    private void refuseDuration(Scalar scalar, String name) {
        var text = scalar.text();
        var isBareNumber = CoreSchema.kindOf(new Scalar(scalar.place(), text, true)) == Kind.INTEGER;
        problems.add(
                ProblemCode.BAD_DURATION,
                scalar.place(),
                path(name),
                isBareNumber
                        ? Quoted.of(name) + " needs a unit: " + Quoted.of(text) + " could be seconds or minutes"
                        : Quoted.of(name) + " is no duration: " + Quoted.of(text),
                isBareNumber
                        ? "write " + Quoted.shortened(text, 20) + "s for seconds, or ms, m, h, d"
                        : "write it like 10ms, 30s, 5m, 1h30m or 2d, or as ISO-8601: PT1H30M");
    }

    /** A mapping of texts, each taken as it is written: {@code no} stays {@code no}, {@code 007} stays {@code 007}. */
    Map<String, String> texts(String name, TextRule keys, TextRule values) {
        var texts = new LinkedHashMap<String, String>();
        mapping(name)
                .ifPresent(fields -> fields.mapping.entries().forEach(entry -> {
                    var key = entry.key();
                    if (!keys.allows(key.text())) {
                        var message = Quoted.of(key.text()) + " " + keys.demand();
                        problems.add(
                                keys.code(),
                                key.place(),
                                fields.path(Quoted.shortened(key.text(), 60)),
                                message,
                                keys.help());
                    }
                    fields.asWritten(
                                    entry.value(),
                                    fields.path(Quoted.shortened(key.text(), 60)),
                                    Quoted.of(key.text()),
                                    values)
                            .ifPresent(value -> texts.put(key.text(), value));
                }));
        return texts;
    }

    /** A sequence of texts, each taken as it is written. */
    List<String> textList(String name, TextRule rule) {
        return items(name).stream()
                .flatMap(item -> asWritten(item.node(), item.path(), "an item of '" + name + "'", rule).stream())
                .toList();
    }

    private Optional<String> asWritten(YamlNode node, String place, String what, TextRule rule) {
        return switch (node) {
            case Scalar scalar -> text(new Scalar(scalar.place(), scalar.text(), false), place, what, rule);
            case Broken _ -> Optional.empty();
            default -> {
                refuseType(node, place, what, "a text");
                yield Optional.empty();
            }
        };
    }

    record Item(YamlNode node, String path) {}

    /** The items of a sequence but those already complained about. */
    List<Item> items(String name) {
        var node = value(name);
        if (node.isEmpty()) {
            return List.of();
        }
        if (!(node.get() instanceof Sequence sequence)) {
            refuseType(node.get(), path(name), Quoted.of(name), "a list");
            return List.of();
        }
        var items = new ArrayList<Item>();
        for (var n = 0; n < sequence.items().size(); n++) {
            if (!(sequence.items().get(n) instanceof Broken)) {
                items.add(new Item(sequence.items().get(n), path(name) + "[" + n + "]"));
            }
        }
        return items;
    }

    Optional<Fields> mapping(String name) {
        return value(name).flatMap(node -> of(node, path(name), Quoted.of(name), problems));
    }

    /** The fields of a node that has to be a mapping. */
    static Optional<Fields> of(YamlNode node, String path, String what, Problems problems) {
        if (node instanceof Mapping mapping) {
            return Optional.of(new Fields(mapping, path, problems));
        }
        if (!(node instanceof Broken)) {
            refuseType(node, path, what, "a mapping", problems);
        }
        return Optional.empty();
    }

    Optional<Json> json(String name) {
        return value(name).map(node -> JsonReader.read(node, path(name), problems));
    }

    void refuse(String name, ProblemCode code, String message, String help) {
        var place = value(name).map(YamlNode::place).orElse(place());
        problems.add(code, place, path(name), message, help);
    }

    private void refuseRange(YamlNode node, String name, String range, String found) {
        problems.add(
                ProblemCode.OUT_OF_RANGE,
                node.place(),
                path(name),
                Quoted.of(name) + " must be " + range + ", is " + found,
                "choose a value within " + range);
    }

    void refuseType(YamlNode node, String place, String what, String wanted) {
        refuseType(node, place, what, wanted, problems);
    }

    private static void refuseType(YamlNode node, String path, String what, String wanted, Problems problems) {
        problems.add(
                ProblemCode.WRONG_TYPE,
                node.place(),
                path,
                what + " must be " + wanted + ", is " + kind(node),
                help(node, wanted));
    }

    private static String kind(YamlNode node) {
        return switch (node) {
            case Sequence _ -> "a list";
            case Mapping _ -> "a mapping";
            case Broken _ -> "broken";
            case Scalar scalar ->
                switch (CoreSchema.kindOf(scalar)) {
                    case TEXT -> "the text " + Quoted.of(scalar.text());
                    case NULL -> "empty";
                    case BOOLEAN -> "the boolean " + scalar.text();
                    case INTEGER, NUMBER, NO_NUMBER -> "the number " + Quoted.shortened(scalar.text(), 60);
                };
        };
    }

    private static String help(YamlNode node, String wanted) {
        if (node instanceof Scalar scalar && CoreSchema.kindOf(scalar) == Kind.NULL) {
            return "write a value, or leave the field out";
        }
        if (node instanceof Scalar scalar && wanted.equals("a text")) {
            return "put it in quotes: \"" + Quoted.shortened(scalar.text(), 60) + "\"";
        }
        return switch (wanted) {
            case "a list" -> "write it as [a, b], or one item a line, each behind '- '";
            case "a mapping" -> "write it as { key: value }, or one 'key: value' a line";
            case "a duration" -> "write it like 10ms, 30s, 5m, 1h30m or 2d";
            case "a text" -> "write one text here";
            default -> "write " + wanted + ", without quotes";
        };
    }
}
