package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.domain.StartupException;
import dev.orrery.domain.task.Durations;
import dev.orrery.node.Doctor;
import dev.orrery.node.Doctor.Finding;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Looks whether database, settings and surroundings are in order. */
@Command(
        name = "doctor",
        description = {
            "Look whether the database of a node and what is around it are in order, and explain what is not.",
            "It only reads, and may run beside nodes that work: every statement is limited in time.",
            "The embedded database is found by the data folder; its node has to run."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all is in order",
            "1:something was found",
            "2:the database or a part of it could not be checked; or wrong usage, or a wrong setting"
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery doctor",
            "  orrery doctor --data-dir /var/lib/orrery --timeout 60s",
            "  orrery doctor --database-url postgresql://orrery@db.example.org/orrery --json | jq '.findings[]'"
        })
final class DoctorCommand extends NodeAction {

    private static final int NOT_CHECKED = 2;
    private static final Duration TIMEOUT_MAX = Duration.ofHours(1);

    @Option(names = "--json", description = "Print one JSON object for programs.")
    boolean json;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            description = "How long one check may take (default: 10s).",
            defaultValue = "10s")
    String timeout = "10s";

    DoctorCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var limit = Durations.parse(timeout)
                .filter(time -> time.compareTo(Duration.ofSeconds(1)) >= 0 && time.compareTo(TIMEOUT_MAX) <= 0)
                .orElseThrow(() -> CommandFailure.usage(
                        "--timeout must be 1s..1h, was '" + timeout + "'", "write it like --timeout 30s"));
        var config = load().config();
        var findings = new ArrayList<Finding>();
        try {
            Doctor.examine(config, context.directory().toAbsolutePath(), limit, finding -> {
                findings.add(finding);
                if (!json) {
                    show(finding);
                }
            });
        } catch (StartupException unreachable) {
            if (json) {
                terminal().line(document(findings, String.valueOf(unreachable.getMessage())));
            }
            terminal()
                    .remark(terminal().style().errorMark() + " "
                            + TextWidth.clean(String.valueOf(unreachable.getMessage())));
            return NOT_CHECKED;
        }
        if (json) {
            terminal().line(document(findings, null));
        } else {
            summarize(findings);
        }
        return exitCode(findings);
    }

    /** What was found weighs more than what could not be looked at: it is there for certain. */
    private static int exitCode(List<Finding> findings) {
        if (has(findings, "found")) {
            return ExitCode.FAILED.code();
        }
        return has(findings, "not_checked") ? NOT_CHECKED : ExitCode.OK.code();
    }

    private static boolean has(List<Finding> findings, String outcome) {
        return findings.stream().anyMatch(finding -> finding.outcome().equals(outcome));
    }

    private void show(Finding finding) {
        var style = terminal().style();
        var mark = switch (finding.outcome()) {
            case "ok" -> style.succeededMark();
            case "found" -> style.errorMark();
            default -> "?";
        };
        var many = finding.count() == 0 ? "" : ": " + (finding.isMore() ? "more than " : "") + finding.count();
        terminal().line(mark + " " + finding.check() + many);
        if (finding.outcome().equals("ok") && finding.note().isEmpty()) {
            return;
        }
        terminal().line("    what should hold: " + finding.meaning());
        finding.examples().forEach(example -> terminal().line("    - " + TextWidth.clean(example)));
        if (!finding.cure().isEmpty()) {
            terminal().line("    cure: " + finding.cure());
        }
        if (!finding.note().isEmpty()) {
            terminal().line("    note: " + TextWidth.clean(finding.note()));
        }
    }

    private void summarize(List<Finding> findings) {
        var found = findings.stream()
                .filter(finding -> finding.outcome().equals("found"))
                .count();
        var unknown = findings.stream()
                .filter(finding -> finding.outcome().equals("not_checked"))
                .count();
        terminal().line("");
        terminal().line(findings.size() + " checks: " + found + " found something, " + unknown + " could not be made");
    }

    private static String document(List<Finding> findings, @Nullable String error) {
        var all = new LinkedHashMap<String, @Nullable Object>();
        all.put(
                "status",
                error != null || (!has(findings, "found") && has(findings, "not_checked"))
                        ? "not_checked"
                        : has(findings, "found") ? "found" : "ok");
        all.put("error", error);
        all.put("findings", findings.stream().map(DoctorCommand::object).toList());
        return JsonObject.of(all).toString();
    }

    private static JsonObject object(Finding finding) {
        var fields = new LinkedHashMap<String, @Nullable Object>();
        fields.put("check", finding.check());
        fields.put("outcome", finding.outcome());
        fields.put("meaning", finding.meaning());
        fields.put("count", finding.count());
        fields.put("more", finding.isMore());
        fields.put("examples", finding.examples());
        fields.put("cure", finding.cure());
        fields.put("note", finding.note());
        return JsonObject.of(fields);
    }
}
