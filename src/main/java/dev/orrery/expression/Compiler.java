package dev.orrery.expression;

import static dev.cel.common.CelFunctionDecl.newFunctionDeclaration;
import static dev.cel.common.CelOverloadDecl.newMemberOverload;

import com.google.common.collect.ImmutableCollection;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import dev.cel.bundle.Cel;
import dev.cel.bundle.CelFactory;
import dev.cel.checker.CelStandardDeclarations;
import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelFunctionDecl;
import dev.cel.common.CelOptions;
import dev.cel.common.CelValidationException;
import dev.cel.common.types.CelType;
import dev.cel.common.types.CelTypeProvider;
import dev.cel.common.types.ListType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.types.StructType;
import dev.cel.common.types.StructTypeReference;
import dev.cel.extensions.CelExtensions;
import dev.cel.extensions.CelStringExtensions;
import dev.cel.extensions.CelStringExtensions.Function;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelFunctionBinding;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelStandardFunctions;
import dev.cel.validator.CelValidator;
import dev.cel.validator.CelValidatorFactory;
import dev.cel.validator.validators.DurationLiteralValidator;
import dev.cel.validator.validators.TimestampLiteralValidator;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.expression.Expression.Wanted;
import java.util.List;
import java.util.Optional;

/** The language as we have it: standard CEL, optional values, and functions on texts; one environment per scope, made when first needed. */
final class Compiler {

    static final int LOOP_ROUNDS_MAX = 10_000;

    /** Enough for any sensible text, and little enough for the stack of any thread. */
    private static final int NESTING_MAX = 50;

    private static final CelOptions OPTIONS = CelOptions.current()
            .enableHeterogeneousNumericComparisons(true)
            .enableOptionalSyntax(true)
            .maxExpressionCodePointSize(Expression.TEXT_MAX)
            .maxParseRecursionDepth(NESTING_MAX)
            .comprehensionMaxIterations(LOOP_ROUNDS_MAX)
            .evaluateCanonicalTypesToNativeValues(true)
            .build();

    /** The library's own checks of literals know times by their older types only. */
    private static final CelOptions CHECKING =
            OPTIONS.toBuilder().evaluateCanonicalTypesToNativeValues(false).build();

    /** Without those whose result can be far longer than what they are given: see {@link Texts}. */
    private static final CelStringExtensions STRINGS = CelExtensions.strings(
            Function.CHAR_AT,
            Function.INDEX_OF,
            Function.LAST_INDEX_OF,
            Function.LOWER_ASCII,
            Function.UPPER_ASCII,
            Function.SPLIT,
            Function.SUBSTRING,
            Function.TRIM);

    private final Cel cel;
    private final CelValidator validator;
    private final Scope scope;

    private Compiler(Scope scope) {
        this.scope = scope;
        this.cel = environment(scope, OPTIONS);
        this.validator = CelValidatorFactory.standardCelValidatorBuilder(environment(scope, CHECKING))
                .addAstValidators(
                        new Patterns.Check(), TimestampLiteralValidator.INSTANCE, DurationLiteralValidator.INSTANCE)
                .build();
    }

    private static final class Events {
        static final Compiler COMPILER = new Compiler(Scope.EVENT);
    }

    private static final class Requests {
        static final Compiler COMPILER = new Compiler(Scope.REQUEST);
    }

    /** What became of a text. */
    sealed interface Outcome {

        record Made(CelRuntime.Program program) implements Outcome {}

        record Refused(List<Problem> problems) implements Outcome {}
    }

    static Outcome compile(String text, String path, Scope scope, Wanted wanted) {
        if (text.isBlank()) {
            return refused(path, ProblemCode.BLANK_TEXT, "the expression is blank");
        }
        if (text.length() > Expression.TEXT_MAX) {
            return refused(
                    path,
                    ProblemCode.OUT_OF_RANGE,
                    "the expression has " + text.length() + " characters; at most " + Expression.TEXT_MAX
                            + " are taken");
        }
        var compiler = switch (scope) {
            case EVENT -> Events.COMPILER;
            case REQUEST -> Requests.COMPILER;
        };
        return compiler.compile(text, path, wanted);
    }

    private static Outcome refused(String path, ProblemCode code, String message) {
        return new Outcome.Refused(List.of(Problem.at(path, code, message)));
    }

    private Outcome compile(String text, String path, Wanted wanted) {
        var complaints = new Complaints(scope, path);
        try {
            var checked = cel.compile(text);
            if (checked.hasError()) {
                return new Outcome.Refused(complaints.ofIssues(checked.getErrors()));
            }
            var tree = checked.getAst();
            var validated = validator.validate(tree);
            if (validated.hasError()) {
                return new Outcome.Refused(complaints.ofIssues(validated.getErrors()));
            }
            return wanted.allows(tree.getResultType())
                    ? made(tree)
                    : new Outcome.Refused(List.of(complaints.ofType(tree.getResultType(), wanted)));
        } catch (CelValidationException | CelEvaluationException unforeseen) {
            return refused(
                    path, ProblemCode.BAD_EXPRESSION, "the expression cannot be compiled: " + unforeseen.getMessage());
        }
    }

    private Outcome made(CelAbstractSyntaxTree tree) throws CelEvaluationException {
        return new Outcome.Made(cel.createProgram(tree));
    }

    private static Cel environment(Scope scope, CelOptions options) {
        var type = StructType.create(
                scope.variable(),
                ImmutableSet.copyOf(scope.fieldNames()),
                name -> Optional.ofNullable(scope.fields().get(name)));
        return CelFactory.standardCelBuilder()
                .setOptions(options)
                .setStandardEnvironmentEnabled(false)
                .setStandardDeclarations(CelStandardDeclarations.newBuilder().build())
                .setStandardFunctions(CelStandardFunctions.newBuilder()
                        .excludeFunctions(CelStandardFunctions.StandardFunction.MATCHES)
                        .build())
                .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
                .setTypeProvider(new OneType(type))
                .addVar(scope.variable(), StructTypeReference.create(type.name()))
                .addCompilerLibraries(CelExtensions.optional(), STRINGS)
                .addRuntimeLibraries(CelExtensions.optional(), STRINGS)
                .addFunctionDeclarations(Texts.DECLARATIONS)
                .addFunctionBindings(Texts.BINDINGS)
                .build();
    }

    /** The checker knows the variable's fields by it; the runtime finds a map there and asks no questions. */
    private record OneType(StructType type) implements CelTypeProvider {

        @Override
        public ImmutableCollection<CelType> types() {
            return ImmutableList.of(type);
        }

        @Override
        public Optional<CelType> findType(String name) {
            return name.equals(type.name()) ? Optional.of(type) : Optional.empty();
        }
    }

    /** Functions on texts that are limited while they work. */
    private static final class Texts {

        private static final List<CelFunctionDecl> DECLARATIONS = List.of(
                newFunctionDeclaration(
                        "join",
                        newMemberOverload("join_list", SimpleType.STRING, ListType.create(SimpleType.STRING)),
                        newMemberOverload(
                                "join_list_with",
                                SimpleType.STRING,
                                ListType.create(SimpleType.STRING),
                                SimpleType.STRING)),
                newFunctionDeclaration(
                        "replace",
                        newMemberOverload(
                                "replace_all",
                                SimpleType.STRING,
                                SimpleType.STRING,
                                SimpleType.STRING,
                                SimpleType.STRING)));

        private static final List<CelFunctionBinding> BINDINGS = List.of(
                CelFunctionBinding.from("matches", String.class, String.class, Patterns::matches),
                CelFunctionBinding.from("matches_string", String.class, String.class, Patterns::matches),
                CelFunctionBinding.from("join_list", List.class, list -> Building.join(list, "")),
                CelFunctionBinding.from("join_list_with", List.class, String.class, Building::join),
                CelFunctionBinding.from(
                        "replace_all",
                        List.of(String.class, String.class, String.class),
                        given -> Building.replace((String) given[0], (String) given[1], (String) given[2])));
    }
}
