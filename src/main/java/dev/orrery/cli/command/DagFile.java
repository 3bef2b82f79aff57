package dev.orrery.cli.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.dagfile.DagFileParser;
import dev.orrery.dagfile.Parsed;
import dev.orrery.dagfile.ProblemPrinter;
import dev.orrery.domain.Problem;
import dev.orrery.domain.dag.DagDraft;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A DAG file that was named on the command line, as it was read. */
final class DagFile {

    private final String name;
    private final byte[] content;
    private final Parsed parsed;

    private DagFile(String name, byte[] content) {
        this.name = name;
        this.content = content;
        this.parsed = DagFileParser.parse(content);
    }

    static DagFile read(Context context, String name) {
        return new DagFile(InputFiles.shown(name), new InputFiles(context).read(name));
    }

    /** Reads all before it says anything of one, so that no command does half of what is asked. */
    static List<DagFile> readAll(Context context, List<String> names) {
        if (names.stream().filter(InputFiles.STANDARD_INPUT::equals).count() > 1) {
            throw CommandFailure.usage("standard input can be read once only", "give '-' once");
        }
        return names.stream().map(name -> read(context, name)).toList();
    }

    /** The name by which it is spoken of. */
    String name() {
        return name;
    }

    boolean isValid() {
        return parsed instanceof Parsed.Valid;
    }

    /** What is wrong with it; nothing where it is valid. */
    List<Problem> problems() {
        return parsed instanceof Parsed.Invalid(var problems) ? problems : List.of();
    }

    /** What it says; only to be asked of a valid file. */
    DagDraft draft() {
        return parsed.orThrow();
    }

    String text() {
        return new String(content, UTF_8);
    }

    /** The problems with their lines, for people. */
    String problemText(boolean colours) {
        return new ProblemPrinter(colours).text(name, content, problems());
    }

    /** Its name, whether it is valid and its problems, for programs. */
    JsonObject report() {
        var fields = new LinkedHashMap<String, @Nullable Object>();
        fields.put("file", name);
        fields.put("valid", isValid());
        fields.put("problems", problems().stream().map(DagFile::report).toList());
        return JsonObject.of(fields);
    }

    private static JsonObject report(Problem problem) {
        var fields = new LinkedHashMap<String, @Nullable Object>();
        fields.put("code", problem.code());
        fields.put("line", problem.line() > 0 ? problem.line() : null);
        fields.put("column", problem.line() > 0 ? problem.column() : null);
        fields.put("path", problem.path());
        fields.put("message", problem.message());
        fields.put("help", problem.help().orElse(null));
        return JsonObject.of(fields);
    }

    /** Says what is wrong with the files that are not valid; returns the exit code, 0 if all are. */
    static int complain(Context context, List<DagFile> files, boolean json) {
        var wrong = files.stream().filter(file -> !file.isValid()).toList();
        if (wrong.isEmpty()) {
            return ExitCode.OK.code();
        }
        if (json) {
            context.terminal()
                    .line(JsonObject.write(files.stream().map(DagFile::report).toList()));
        } else {
            var colours = context.terminal().style().colours();
            wrong.forEach(file -> context.terminal().err().print(file.problemText(colours)));
        }
        return ExitCode.INVALID.code();
    }
}
