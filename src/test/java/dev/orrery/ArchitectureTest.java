package dev.orrery;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.CompositeArchRule;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.EventBus;
import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.locks.Lock;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The rules that keep the packages in their places. Each is held against our classes, and against a small program of
 * planted violations ({@code dev.orrery.planted}), where it must find its culprits: a rule that matches nothing is none.
 */
class ArchitectureTest {
    private static final JavaClasses OURS = new ClassFileImporter().importPath(Path.of("target/classes"));
    private static final JavaClasses PLANTED = new ClassFileImporter().importPackages("dev.orrery.planted");

    /** Which packages each package may use; the arrows of the map in the base package, followed to their ends. */
    private static final Map<String, Set<String>> ARROWS = Map.ofEntries(
            entry("launcher", Set.of()),
            entry("handler", Set.of()),
            entry("domain", Set.of()),
            entry("bus", Set.of("config", "domain")),
            entry("cron", Set.of("domain")),
            entry("dagfile", Set.of("cron", "domain")),
            entry("expression", Set.of("domain")),
            entry("telemetry", Set.of("domain")),
            entry("config", Set.of("domain")),
            entry("store", Set.of("config", "telemetry", "domain")),
            entry("executor", Set.of("handler", "config", "telemetry", "bus", "domain")),
            entry("coordination", Set.of("store", "config", "telemetry", "domain")),
            entry("service", Set.of("store", "dagfile", "cron", "expression", "bus", "config", "telemetry", "domain")),
            entry(
                    "engine",
                    Set.of("service", "executor", "coordination", "store", "bus", "config", "telemetry", "domain")),
            entry("api", Set.of("service", "dagfile", "coordination", "store", "bus", "config", "telemetry", "domain")),
            entry(
                    "node",
                    Set.of(
                            "api",
                            "engine",
                            "service",
                            "executor",
                            "coordination",
                            "store",
                            "dagfile",
                            "bus",
                            "config",
                            "telemetry",
                            "domain")),
            entry("cli", Set.of("node", "dagfile", "cron", "config", "telemetry", "domain")));

    private static final Set<String> JAVA_BASE =
            ModuleFinder.ofSystem().find("java.base").orElseThrow().descriptor().packages();

    @ParameterizedTest
    @EnumSource
    void ourClassesObey(Rule rule) {
        rule.in("dev.orrery").check(OURS);
    }

    @ParameterizedTest
    @EnumSource
    void aPlantedViolationIsFound(Rule rule) {
        List<String> found = rule.in("dev.orrery.planted")
                .evaluate(PLANTED)
                .getFailureReport()
                .getDetails();

        assertThat(rule.culprits)
                .isNotEmpty()
                .allSatisfy(culprit -> assertThat(found).anyMatch(detail -> detail.contains("." + culprit)));
    }

    /** A rule, made for the program below a base package, and who breaks it in the planted one. */
    enum Rule {
        PACKAGES_USE_ONLY_WHAT_LIES_BELOW_THEM(
                ArchitectureTest::arrows,
                "domain.KnowsTheStore",
                "store.KnowsAService",
                "api.KnowsTheRouter",
                "launcher.KnowsTheProgram"),
        THE_DOMAIN_KNOWS_JAVA_BASE_ALONE(
                root -> noClasses()
                        .that(resideInAPackage(root + ".domain.."))
                        .should()
                        .dependOnClassesThat(isForeignTo(root + ".domain")),
                "domain.KnowsALibrary",
                "domain.KnowsTheStore"),
        PACKAGES_FORM_NO_CYCLES(
                root -> slices().matching(root + ".(*)..").should().beFreeOfCycles(), "domain.KnowsTheStore"),
        PARTS_OF_THE_ENGINE_DO_NOT_KNOW_EACH_OTHER(
                root -> slices().matching(root + ".engine.(*)..").should().notDependOnEachOther(),
                "engine.router.KnowsAWorker"),
        SQL_IS_SPOKEN_IN_THE_STORE(
                root -> noClasses()
                        .that(resideIn(root).and(DescribedPredicate.not(resideIn(root, "store", "node"))))
                        .should()
                        .dependOnClassesThat(resideInAnyPackage("io.vertx.sqlclient..", "io.vertx.pgclient..")),
                "service.SpeaksSql"),
        JDBC_IS_FOR_THE_STORE_AND_THE_HEARTBEAT(
                root -> noClasses()
                        .that(resideIn(root)
                                .and(DescribedPredicate.not(resideIn(root, "store", "coordination", "node"))))
                        .should()
                        .dependOnClassesThat(resideInAnyPackage("java.sql..", "javax.sql..", "org.postgresql..")),
                "service.SpeaksJdbc"),
        THE_EVENT_BUS_HAS_ONE_USER(
                root -> noClasses()
                        .that(resideIn(root).and(DescribedPredicate.not(resideIn(root, "bus"))))
                        .should()
                        .callMethod(Vertx.class, "eventBus")
                        .orShould()
                        .dependOnClassesThat(assignableTo(EventBus.class)),
                "service.SpeaksOnTheEventBus"),
        ONLY_THE_SCHEDULER_LEADS(
                root -> noClasses()
                        .that(resideIn(root)
                                .and(DescribedPredicate.not(
                                        resideIn(root, "coordination", "engine.scheduler", "node"))))
                        .should()
                        .dependOnClassesThat()
                        .haveFullyQualifiedName(root + ".coordination.Leadership"),
                "engine.router.Leads"),
        ONLY_WORKERS_EXECUTE(
                root -> noClasses()
                        .that(resideIn(root)
                                .and(DescribedPredicate.not(resideIn(root, "executor", "engine.worker", "node"))))
                        .should()
                        .dependOnClassesThat(resideIn(root, "executor")),
                "engine.router.Executes"),
        STATE_BELONGS_TO_EVENT_LOOPS(
                root -> noClasses()
                        .that(resideIn(root, "domain", "engine", "api"))
                        .should()
                        .dependOnClassesThat(assignableTo(Thread.class)
                                .or(assignableTo(Executor.class))
                                .or(assignableTo(Lock.class))
                                .or(assignableTo(Future.class))),
                "engine.worker.StartsAThread"),
        TIME_IS_AN_ARGUMENT(
                root -> noClasses()
                        .that(resideIn(root, "domain", "engine", "service", "api"))
                        .should()
                        .callMethod(Instant.class, "now")
                        .orShould()
                        .callMethod(System.class, "currentTimeMillis"),
                "domain.ReadsTheClock",
                "engine.worker.ReadsTheClockToo",
                "service.AsksThisNodesClock"),
        EXCEPTIONS_HAVE_ONE_PARENT(
                root -> classes()
                        .that(resideIn(root).and(DescribedPredicate.not(resideIn(root, "handler"))))
                        .and(assignableTo(Throwable.class))
                        .should()
                        .beAssignableTo(root + ".domain.OrreryException"),
                "service.LosesItsParentException");

        private final Function<String, ArchRule> maker;
        private final List<String> culprits;

        Rule(Function<String, ArchRule> maker, String... culprits) {
            this.maker = maker;
            this.culprits = List.of(culprits);
        }

        /** Packages that do not exist yet break no rule. */
        ArchRule in(String root) {
            return CompositeArchRule.of(maker.apply(root)).allowEmptyShould(true);
        }
    }

    private static ArchRule arrows(String root) {
        LayeredArchitecture layers =
                layeredArchitecture().consideringOnlyDependenciesInLayers().withOptionalLayers(true);
        for (String layer : ARROWS.keySet()) {
            layers = layers.layer(layer).definedBy(root + "." + layer + "..");
        }
        for (var arrow : ARROWS.entrySet()) {
            layers = arrow.getValue().isEmpty()
                    ? layers.whereLayer(arrow.getKey()).mayNotAccessAnyLayer()
                    : layers.whereLayer(arrow.getKey())
                            .mayOnlyAccessLayers(arrow.getValue().toArray(String[]::new));
        }
        return layers;
    }

    private static DescribedPredicate<JavaClass> resideIn(String root) {
        return resideInAPackage(root + "..");
    }

    private static DescribedPredicate<JavaClass> resideIn(String root, String... packages) {
        return resideInAnyPackage(
                List.of(packages).stream().map(name -> root + "." + name + "..").toArray(String[]::new));
    }

    private static DescribedPredicate<JavaClass> isForeignTo(String root) {
        return describe(
                "reside outside " + root + ", java.base and jspecify",
                type -> !JAVA_BASE.contains(type.getBaseComponentType().getPackageName())
                        && !type.getBaseComponentType().isPrimitive()
                        && !resideInAnyPackage(root + "..", "org.jspecify.annotations")
                                .test(type.getBaseComponentType()));
    }
}
