package dev.orrery.cli.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.client.NotJson;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.domain.Problem;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Submits the tasks of a file, batch by batch. Each batch is sent under a key of its own that follows from the key of the whole
 * and its number: who repeats the same submission sends again what came through already, and it counts once.
 */
final class TaskFile {

    static final int MAX_BATCH = 10_000;

    private static final int MAX_BATCH_CHARACTERS = 8 << 20;
    private static final String BYTE_ORDER_MARK = "\uFEFF";
    private static final Pattern OF_BATCH = Pattern.compile("tasks\\[(\\d+)](.*)", Pattern.DOTALL);

    private final Context context;
    private final ApiClient client;
    private final UnaryOperator<String> commandLine;
    private final boolean json;
    private final ProgressLine progress;
    private final List<String> ids = new ArrayList<>();
    private final AtomicInteger submitted = new AtomicInteger();
    private long size;
    private long charactersRead;

    TaskFile(Context context, ApiClient client, UnaryOperator<String> commandLine, boolean json) {
        this.context = context;
        this.client = client;
        this.commandLine = commandLine;
        this.json = json;
        this.progress = new ProgressLine(context.terminal(), json);
    }

    /** A line of the file, from 1 on, and what stands there. */
    private record Line(int number, String text) {}

    /** Submits all; the exit code tells whether all completed where they are waited for. */
    int submit(String file, int batchSize, @Nullable String given, boolean wait) {
        var key = given == null ? ApiClient.newKey() : given;
        var again = commandLine.apply(
                "task submit --file " + ShellWord.of(file) + " --batch " + batchSize + " --key " + ShellWord.of(key));
        context.interrupts().endAfter(() -> context.terminal().remark(soFar() + "; go on with: " + again));
        size = new InputFiles(context).size(file);
        try (var lines = new BufferedReader(new InputStreamReader(new InputFiles(context).open(file), UTF_8))) {
            submit(lines, file, batchSize, key, wait);
        } catch (IOException unreadable) {
            throw CommandFailure.usage(
                    "cannot read " + InputFiles.shown(file) + ": " + InputFiles.reason(unreadable),
                    "is the name right?");
        } catch (CommandFailure refused) {
            progress.clear();
            context.terminal().remark(soFar() + "; when it is mended, go on with: " + again);
            throw refused;
        }
        progress.clear();
        if (submitted.get() == 0) {
            throw CommandFailure.invalid(InputFiles.shown(file) + " holds no task", "write a JSON object on each line");
        }
        if (!json) {
            context.terminal()
                    .line(context.terminal().style().succeededMark() + " " + submitted
                            + (submitted.get() == 1 ? " task is submitted" : " tasks are submitted"));
        }
        return wait ? new TaskWait(context, client, json).untilAllEnd(ids) : ExitCode.OK.code();
    }

    private String soFar() {
        return submitted + (submitted.get() == 1 ? " task was submitted" : " tasks were submitted");
    }

    private void submit(BufferedReader lines, String file, int batchSize, String key, boolean wait) throws IOException {
        var batch = new ArrayList<Line>();
        var characters = 0L;
        var batches = 0;
        var number = 0;
        for (var text = lines.readLine(); text != null; text = lines.readLine()) {
            number++;
            charactersRead += text.length() + 1;
            if (number == 1 && text.startsWith(BYTE_ORDER_MARK)) {
                text = text.substring(BYTE_ORDER_MARK.length());
            }
            if (text.isBlank()) {
                continue;
            }
            var isFull = batch.size() == batchSize
                    || (!batch.isEmpty() && characters + text.length() > MAX_BATCH_CHARACTERS);
            if (isFull) {
                send(batch, file, key + "-" + ++batches, wait);
                batch.clear();
                characters = 0;
            }
            batch.add(checked(new Line(number, text), file));
            characters += text.length();
        }
        if (!batch.isEmpty()) {
            send(batch, file, key + "-" + ++batches, wait);
        }
    }

    /** A line that is no object would break the whole batch apart. */
    private static Line checked(Line line, String file) {
        try {
            JsonObject.parse(line.text());
            return line;
        } catch (NotJson malformed) {
            throw CommandFailure.invalid(
                    InputFiles.shown(file) + " line " + line.number() + " is no task: " + malformed.getMessage(),
                    "write each task as a JSON object on one line");
        }
    }

    private void send(List<Line> batch, String file, String key, boolean wait) {
        var body = new StringBuilder("{\"tasks\":[");
        for (var n = 0; n < batch.size(); n++) {
            body.append(n == 0 ? "" : ",").append(batch.get(n).text());
        }
        try {
            var answer =
                    client.postText(Tasks.PATH + "/batch", body.append("]}").toString(), key);
            if (json) {
                answer.object()
                        .objects("tasks")
                        .forEach(task -> context.terminal().line(task.toString()));
            }
            if (wait) {
                answer.object().objects("tasks").forEach(task -> ids.add(task.textOrEmpty("id")));
            }
        } catch (CommandFailure refused) {
            throw refused.withProblems(refused.problems().stream()
                    .map(problem -> byLine(problem, batch, file))
                    .toList());
        }
        submitted.addAndGet(batch.size());
        // How many tasks there will be nobody knows before the end, but how much of the file is read.
        progress.show(charactersRead, size, submitted + " tasks");
    }

    /** The node counts the tasks of the batch; people count the lines of their file. */
    private static Problem byLine(Problem problem, List<Line> batch, String file) {
        var place = OF_BATCH.matcher(problem.path());
        if (!place.matches() || Integer.parseInt(place.group(1)) >= batch.size()) {
            return problem;
        }
        var line = batch.get(Integer.parseInt(place.group(1))).number();
        var path = InputFiles.shown(file) + " line " + line + place.group(2).replaceFirst("^\\.", ": ");
        return new Problem(problem.code(), 0, 0, path, problem.message(), problem.help());
    }
}
