package dev.orrery.config;

import static java.util.stream.Collectors.toUnmodifiableMap;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A Dockerfile as its instructions, and the rules that ours keeps. */
record Dockerfile(List<Instruction> instructions) {

    /** {@code arguments}: on one line, with single blanks. */
    record Instruction(String name, String arguments) {}

    private static final Set<String> KNOWN = Set.of(
            "FROM",
            "ARG",
            "ENV",
            "LABEL",
            "RUN",
            "COPY",
            "ADD",
            "USER",
            "WORKDIR",
            "VOLUME",
            "EXPOSE",
            "STOPSIGNAL",
            "SHELL",
            "HEALTHCHECK",
            "ENTRYPOINT",
            "CMD");
    private static final Pattern COMMENT = Pattern.compile("(?m)^\\s*#.*\\R?");
    private static final Pattern CONTINUED = Pattern.compile("\\\\\\s*\\R\\s*");
    private static final Pattern BASE = Pattern.compile("(\\S+?)(?::([^@\\s]+))?(@sha256:[0-9a-f]{64})?( AS (\\S+))?");
    private static final Pattern PAIR = Pattern.compile("([A-Za-z_]+)=(\\S+)");
    private static final Pattern FROM_STAGE = Pattern.compile("--from=(\\S+)");
    private static final Pattern EXEC_FORM = Pattern.compile("\\[\\s*\"[^\"]*\"(,\\s*\"[^\"]*\")*\\s*]");

    static Dockerfile read(Path file) throws IOException {
        return parse(Files.readString(file));
    }

    static Dockerfile parse(String text) {
        var whole = CONTINUED.matcher(COMMENT.matcher(text).replaceAll("")).replaceAll(" ");
        return new Dockerfile(whole.lines()
                .map(line -> line.strip().replaceAll("\\s+", " "))
                .filter(line -> !line.isEmpty())
                .map(line -> line.split(" ", 2))
                .map(words -> new Instruction(words[0], words.length > 1 ? words[1] : ""))
                .toList());
    }

    /** The arguments of the one instruction of this name. */
    String only(String name) {
        var found = all(name).toList();
        if (found.size() != 1) {
            throw new AssertionError(name + " is there " + found.size() + " times");
        }
        return found.getFirst();
    }

    /** What {@code ENV} sets. */
    Map<String, String> variables() {
        return all("ENV")
                .flatMap(pairs -> PAIR.matcher(pairs).results())
                .collect(toUnmodifiableMap(pair -> pair.group(1), pair -> pair.group(2)));
    }

    private Stream<String> all(String name) {
        return instructions.stream()
                .filter(instruction -> instruction.name().equals(name))
                .map(Instruction::arguments);
    }

    /** Everything that is against the rules, a line for each. */
    List<String> problems() {
        var problems = new ArrayList<String>();
        var stages = new HashSet<String>();
        if (instructions.isEmpty() || !instructions.getFirst().name().equals("FROM")) {
            problems.add("the first instruction is not FROM");
        }
        for (var instruction : instructions) {
            var arguments = instruction.arguments();
            switch (instruction.name()) {
                case "FROM" -> base(arguments, stages, problems);
                case "ADD" -> problems.add("ADD unpacks and downloads: take COPY");
                case "COPY" ->
                    FROM_STAGE
                            .matcher(arguments)
                            .results()
                            .map(MatchResult::group)
                            .filter(from -> !stages.contains(from.substring("--from=".length())))
                            .forEach(from -> problems.add("COPY " + from + " names no stage"));
                case "RUN" -> command(arguments, problems);
                case "ENTRYPOINT", "CMD" -> {
                    if (!EXEC_FORM.matcher(arguments).matches()) {
                        problems.add(instruction.name() + " would start a shell, which keeps signals to itself");
                    }
                }
                default -> {
                    if (!KNOWN.contains(instruction.name())) {
                        problems.add("no instruction is called " + instruction.name());
                    }
                }
            }
        }
        var user = all("USER").reduce("root", (_, last) -> last);
        if (!user.matches("[1-9][0-9]*(:[1-9][0-9]*)?")) {
            problems.add("USER is " + user + ": name one other than root, by number");
        }
        for (var single : List.of("HEALTHCHECK", "ENTRYPOINT", "CMD")) {
            if (all(single).count() != 1) {
                problems.add(single + " is not there once");
            }
        }
        variables().keySet().stream()
                .filter(name -> name.toLowerCase(Locale.ROOT).matches(".*(token|password|secret).*"))
                .forEach(name -> problems.add("ENV " + name + " puts a secret into the image"));
        return problems;
    }

    private static void base(String arguments, Set<String> stages, List<String> problems) {
        var base = BASE.matcher(arguments);
        if (!base.matches()) {
            problems.add("FROM " + arguments + " is not understood");
            return;
        }
        var tag = base.group(2);
        if (!stages.contains(base.group(1))
                && base.group(3) == null
                && (tag == null || tag.equals("latest") || !tag.matches(".*[0-9].*"))) {
            problems.add("FROM " + arguments + " has no tag with a version");
        }
        if (base.group(5) != null) {
            stages.add(base.group(5));
        }
    }

    private static void command(String arguments, List<String> problems) {
        if (arguments.contains("apt-get install")) {
            for (var part :
                    List.of("apt-get update", "--yes", "--no-install-recommends", "rm -rf /var/lib/apt/lists/*")) {
                if (!arguments.contains(part)) {
                    problems.add("RUN apt-get install without " + part);
                }
            }
        }
        if (arguments.contains("sudo ") || arguments.contains("| sh") || arguments.contains("| bash")) {
            problems.add("RUN uses sudo, or runs what it downloads");
        }
    }
}
