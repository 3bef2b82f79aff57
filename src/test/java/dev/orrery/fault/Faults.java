package dev.orrery.fault;

import dev.orrery.fault.Round.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The program behind {@code scripts/fault}: harms in rounds, the checker after each, and a table in the end. */
public final class Faults {

    /** Those that between them meet every part of a recovery, in under four minutes. */
    private static final List<String> SHORT = List.of("leader-killed", "worker-frozen", "cut-from-all");

    private static final long BEGAN = System.nanoTime();
    private static final Duration BROKEN_END_LIMIT = Duration.ofSeconds(20);

    private final Options options;
    private final Map<String, List<Result>> results = new LinkedHashMap<>();
    private final List<String> left = new ArrayList<>();
    private int number;
    private boolean areBuildsFound = true;

    private Faults(Options options) {
        this.options = options;
    }

    private record Options(
            List<Harm> harms, int rounds, boolean isShort, boolean breaksBuilds, Optional<Path> json, Path kept) {

        static Options of(String[] arguments) {
            var names = new ArrayList<String>();
            var rounds = 5;
            var isShort = false;
            var breaksBuilds = false;
            Optional<Path> json = Optional.empty();
            var kept = Path.of("target", "fault");
            for (var n = 0; n < arguments.length; n++) {
                switch (arguments[n]) {
                    case "--short" -> {
                        isShort = true;
                        names.addAll(SHORT);
                        rounds = 1;
                    }
                    case "--broken" -> breaksBuilds = true;
                    case "--only" -> names.addAll(List.of(value(arguments, ++n).split(",")));
                    case "--rounds" -> rounds = Integer.parseInt(value(arguments, ++n));
                    case "--json" -> json = Optional.of(Path.of(value(arguments, ++n)));
                    case "--kept" -> kept = Path.of(value(arguments, ++n));
                    default -> throw new IllegalArgumentException("unknown option: " + arguments[n]);
                }
            }
            var harms = names.isEmpty() && !breaksBuilds
                    ? Harms.ALL
                    : names.stream().map(Options::harm).toList();
            return new Options(harms, rounds, isShort, breaksBuilds, json, kept);
        }

        private static String value(String[] arguments, int place) {
            if (place >= arguments.length) {
                throw new IllegalArgumentException(arguments[place - 1] + " needs a value");
            }
            return arguments[place];
        }

        private static Harm harm(String name) {
            return Harms.named(name)
                    .orElseThrow(
                            () -> new IllegalArgumentException("no harm is called '" + name + "'; --list names them"));
        }
    }

    /** {@code [--short] [--broken] [--only NAME,…] [--rounds N] [--json FILE] [--kept FOLDER]}, or {@code --list}, or {@code --schedules}. */
    public static void main(String[] arguments) throws Exception {
        if (List.of(arguments).contains("--list")) {
            Harms.ALL.forEach(harm -> System.out.printf("%-20s %s%n", harm.name(), harm.what()));
            return;
        }
        if (List.of(arguments).contains("--schedules")) {
            KilledLeaders.main(new String[0]);
            return;
        }
        Options options;
        try {
            options = Options.of(arguments);
        } catch (IllegalArgumentException e) {
            System.err.println("fault: " + e.getMessage());
            System.exit(2);
            return;
        }
        System.exit(new Faults(options).run() ? 0 : 1);
    }

    private boolean run() throws Exception {
        if (!options.harms.isEmpty()) {
            playHarms();
        }
        if (options.breaksBuilds) {
            for (var build : BrokenBuild.values()) {
                playMistake(build);
            }
        }
        print();
        if (options.json.isPresent()) {
            Files.writeString(options.json.get(), json());
        }
        return left.isEmpty()
                && areBuildsFound
                && results.values().stream().flatMap(List::stream).allMatch(Result::isGood)
                && options.harms.stream().noneMatch(this::isLate);
    }

    private void playHarms() throws Exception {
        progress("starting PostgreSQL, an etcd of three members and three nodes");
        try (var cluster = open()) {
            cluster.start();
            try (var leaders = new LeaderWatch(cluster.database())) {
                for (var round = 1; round <= options.rounds; round++) {
                    for (var harm : options.harms) {
                        playOrTell(cluster, leaders, harm, round);
                    }
                }
            }
            if (options.isShort) {
                playMistake(cluster, BrokenBuild.NAIVE_DECREMENT);
            }
            progress("stopping");
            left.addAll(cluster.stopNodes());
            left.forEach(what -> progress("left over: " + what));
        }
    }

    /** A cluster that is gone when this program ends, however it ends. */
    private static FaultCluster open() throws Exception {
        var cluster = new FaultCluster(Path.of(System.getProperty("java.io.tmpdir")));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                cluster.close();
            } catch (IOException e) {
                System.err.println("fault: " + e.getMessage());
            }
        }));
        return cluster;
    }

    /** A harm that could not be done to its end spoils its own round only. */
    private void playOrTell(FaultCluster cluster, LeaderWatch leaders, Harm harm, int round) throws Exception {
        try {
            play(cluster, leaders, harm, round);
        } catch (RuntimeException | AssertionError e) {
            left.add(harm.name() + ", round " + round + ": " + e.getMessage());
            progress(left.getLast());
            cluster.repair();
        }
    }

    private void play(FaultCluster cluster, LeaderWatch leaders, Harm harm, int round) throws Exception {
        var result = new Round(cluster, leaders, Round.END_LIMIT).play(harm, "-" + ++number);
        results.computeIfAbsent(harm.name(), _ -> new ArrayList<>()).add(result);
        progress("%s, round %d of %d: %s, recovery %s, longest pause %s"
                .formatted(
                        harm.name(),
                        round,
                        options.rounds,
                        result.isGood() ? "good, " + result.report().runs() + " answers" : "BROKEN",
                        result.measured().recovery().map(Checker::seconds).orElse("-"),
                        Checker.seconds(result.measured().pause())));
        if (!result.isGood()) {
            result.surprises().forEach(System.out::println);
            System.out.println(result.report());
            keep(cluster, harm, result);
        }
    }

    private void keep(FaultCluster cluster, Harm harm, Result result) throws IOException {
        var folder = Files.createDirectories(options.kept.resolve(harm.name() + "-" + number));
        Files.copy(result.records(), folder.resolve("history.txt"), StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(folder.resolve("report.txt"), result.report().toString());
        for (var node : cluster.nodes()) {
            Files.copy(node.log(), folder.resolve(node.log().getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
        progress("what was judged is kept in " + folder.toAbsolutePath());
    }

    private void playMistake(BrokenBuild build) throws Exception {
        try (var cluster = open()) {
            cluster.start();
            playMistake(cluster, build);
        }
    }

    private void playMistake(FaultCluster cluster, BrokenBuild build) throws Exception {
        progress("a build with a mistake: " + build);
        var report = BrokenRound.play(cluster, build, BROKEN_END_LIMIT);
        var isFound = build.isFoundIn(report);
        areBuildsFound &= isFound;
        progress(build + (isFound ? " was found: " + report.broken() : " WAS NOT FOUND: " + report));
    }

    private boolean isLate(Harm harm) {
        return recoveries(harm).stream().anyMatch(time -> time.compareTo(harm.limit()) > 0);
    }

    private List<Duration> recoveries(Harm harm) {
        return times(harm, result -> result.measured().recovery());
    }

    private List<Duration> times(Harm harm, java.util.function.Function<Result, Optional<Duration>> time) {
        return results.getOrDefault(harm.name(), List.of()).stream()
                .flatMap(result -> time.apply(result).stream())
                .sorted()
                .toList();
    }

    private List<Duration> pauses(Harm harm) {
        return times(harm, result -> Optional.of(result.measured().pause()));
    }

    private void print() {
        if (results.isEmpty()) {
            return;
        }
        System.out.printf(
                "%n%-20s %-32s %8s %8s %8s   %8s %8s  %s%n",
                "harm", "recovery: from, until", "median", "worst", "limit", "pause", "worst", "verdict");
        for (var harm : options.harms.stream().distinct().toList()) {
            var rounds = results.getOrDefault(harm.name(), List.of());
            var bad = rounds.stream().filter(result -> !result.isGood()).count();
            System.out.printf(
                    "%-20s %-32s %8s %8s %8s   %8s %8s  %s%n",
                    harm.name(),
                    harm.measure().words(),
                    median(recoveries(harm)),
                    worst(recoveries(harm)),
                    Checker.seconds(harm.limit()),
                    median(pauses(harm)),
                    worst(pauses(harm)),
                    bad > 0 ? bad + " of " + rounds.size() + " BROKEN" : isLate(harm) ? "TOO LATE" : "good");
        }
        System.out.printf(
                "%n%d rounds in %d min, %d answers judged%n",
                number,
                Duration.ofNanos(System.nanoTime() - BEGAN).toMinutes(),
                results.values().stream()
                        .flatMap(List::stream)
                        .mapToInt(result -> result.report().runs())
                        .sum());
    }

    private static String median(List<Duration> times) {
        return times.isEmpty() ? "-" : Checker.seconds(times.get(times.size() / 2));
    }

    private static String worst(List<Duration> times) {
        return times.stream()
                .max(Comparator.naturalOrder())
                .map(Checker::seconds)
                .orElse("-");
    }

    private String json() {
        return options.harms.stream()
                .distinct()
                .map(harm ->
                        "  \"%s\": {\"rounds\": %d, \"broken\": %d, \"recovery\": %s, \"pause\": %s, \"limit\": %.3f}"
                                .formatted(
                                        harm.name(),
                                        results.getOrDefault(harm.name(), List.of())
                                                .size(),
                                        results.getOrDefault(harm.name(), List.of()).stream()
                                                .filter(result -> !result.isGood())
                                                .count(),
                                        json(recoveries(harm)),
                                        json(pauses(harm)),
                                        harm.limit().toMillis() / 1000.0))
                .collect(Collectors.joining(",\n", "{\n", "\n}\n"));
    }

    private static String json(List<Duration> times) {
        return times.stream()
                .map(time -> String.format(Locale.ROOT, "%.3f", time.toMillis() / 1000.0))
                .collect(Collectors.joining(", ", "[", "]"));
    }

    private static void progress(String text) {
        System.out.printf(
                "%5d s  %s%n", Duration.ofNanos(System.nanoTime() - BEGAN).toSeconds(), text);
    }
}
