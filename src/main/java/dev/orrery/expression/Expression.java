package dev.orrery.expression;

import dev.cel.common.types.CelType;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.orrery.domain.Json;
import dev.orrery.domain.Problem;
import java.util.List;
import java.util.function.Function;

/**
 * A compiled expression that answers with a {@code T}. Compiling may take half a second the first time, so it belongs off
 * the event loop; evaluating never throws.
 */
public final class Expression<T> {

    /** Longer texts are refused. */
    public static final int TEXT_MAX = 4096;

    /** Longer results, as JSON, are refused; in characters. */
    public static final int RESULT_MAX = 256 << 10;

    /** Longer keys and names are refused; in characters. */
    public static final int KEY_MAX = 255;

    private final String text;
    private final CelRuntime.Program program;
    private final Function<Object, Result<T>> answer;

    private Expression(String text, CelRuntime.Program program, Function<Object, Result<T>> answer) {
        this.text = text;
        this.program = program;
        this.answer = answer;
    }

    /** What compiling a text came to. */
    public sealed interface Reading<T> {

        record Compiled<T>(Expression<T> expression) implements Reading<T> {}

        /** Each with its place in the text; at least one. */
        record Refused<T>(List<Problem> problems) implements Reading<T> {
            public Refused {
                problems = List.copyOf(problems);
            }
        }
    }

    /** What evaluating it came to. */
    public sealed interface Result<T> {

        record Value<T>(T value) implements Result<T> {}

        /** {@code reason}: for people; the same for the same facts, unless it was the time that ran out. */
        record Failed<T>(String reason) implements Result<T> {}
    }

    /** Whether an event is meant. {@code path}: the field that the text stands in, for the problems. */
    public static Reading<Boolean> filter(String text, String path) {
        return read(text, path, Scope.EVENT, Wanted.TRUTH, Answers::truth);
    }

    /** Any JSON, made of an event. */
    public static Reading<Json> mapping(String text, String path) {
        return read(text, path, Scope.EVENT, Wanted.JSON, Answers::json);
    }

    /** A text that says which events belong together. Numbers and truth values are taken as their texts. */
    public static Reading<String> key(String text, String path) {
        return read(text, path, Scope.EVENT, Wanted.TEXT, Answers::text);
    }

    /** A text made of what a webhook received: the name of the event that it becomes, or its key. */
    public static Reading<String> ofRequest(String text, String path) {
        return read(text, path, Scope.REQUEST, Wanted.TEXT, Answers::text);
    }

    private static <T> Reading<T> read(
            String text, String path, Scope scope, Wanted wanted, Function<Object, Result<T>> answer) {
        return switch (Compiler.compile(text, path, scope, wanted)) {
            case Compiler.Outcome.Made(var program) -> new Reading.Compiled<>(new Expression<>(text, program, answer));
            case Compiler.Outcome.Refused(var problems) -> new Reading.Refused<>(problems);
        };
    }

    public String text() {
        return text;
    }

    /** The facts must be of the kind that the expression was compiled for. */
    public Result<T> evaluate(Facts facts) {
        try {
            return answer.apply(program.trace(facts.variables(), new Meter()));
        } catch (CelEvaluationException failed) {
            return new Result.Failed<>(Complaints.ofEvaluation(text, failed));
        } catch (RuntimeException unforeseen) { // dynamic values reach corners of the library that promise nothing
            return new Result.Failed<>(Complaints.ofEvaluation(unforeseen));
        }
    }

    /** Which types a checked text may have. */
    enum Wanted {
        TRUTH("true or false", "bool"),
        TEXT("a text", "string", "int", "uint", "bool"),
        JSON("JSON", "string", "int", "uint", "bool", "double", "null_type", "list", "map", "bytes", "time");

        private final String description;
        private final List<String> types;

        Wanted(String description, String... types) {
            this.description = description;
            this.types = List.of(types);
        }

        String description() {
            return description;
        }

        /** What the compiler cannot know is looked at when it comes. */
        boolean allows(CelType type) {
            return switch (type.kind()) {
                case DYN, ANY, OPAQUE -> true;
                case STRUCT -> this == JSON;
                case TIMESTAMP, DURATION -> types.contains("time");
                default -> types.contains(type.name());
            };
        }
    }
}
