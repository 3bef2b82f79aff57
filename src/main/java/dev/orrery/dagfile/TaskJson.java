package dev.orrery.dagfile;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.orrery.dagfile.GraphCheck.Reference;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.JsonComplaint;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.Quoted;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskDraft;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Reads single tasks that were sent as JSON: the same fields as of tasks in DAG files, by the same rules and with the same
 * words about what is wrong, and those that only single tasks have.
 *
 * <p>It reads task by task, at a cost in proportion to what was sent. What is wrong is an OrreryException that lists every
 * problem with its place.
 */
public final class TaskJson {

    private static final String LIST = "tasks";
    private static final String WHAT_THEY_NAME =
            "dependencies name the ids of single tasks, or the 'ref' of others of the same batch";
    private static final int ID_LENGTH = 36;

    private final byte[] bytes;
    private final int maxDependencies;
    private final boolean placed;
    private final Problems problems = new Problems();
    private final List<Optional<TaskDraft>> drafts = new ArrayList<>();
    private final List<SingleTaskReader> readers = new ArrayList<>();

    private TaskJson(byte[] bytes, int maxDependencies, boolean placed) {
        this.bytes = bytes;
        this.maxDependencies = maxDependencies;
        this.placed = placed;
    }

    /** Reads one task from these bytes, which have to be UTF-8. */
    public static TaskDraft one(byte[] json, int maxDependencies) {
        return read(json, maxDependencies, TaskJson::readOne, "the task is not valid")
                .getFirst();
    }

    /** Reads {@code {"tasks": [...]}} from these bytes, which have to be UTF-8. Its tasks may name one another. */
    public static List<TaskDraft> batch(byte[] json, int maxDependencies) {
        return read(json, maxDependencies, TaskJson::readBatch, "the batch is not valid");
    }

    private interface Reading {
        void of(TaskJson reader, JsonParser parser) throws IOException;
    }

    /** Almost always all is right: only where it is not, everything is read again with its place. */
    private static List<TaskDraft> read(byte[] json, int maxDependencies, Reading reading, String summary) {
        return new TaskJson(json, maxDependencies, false).drafts(reading).orElseGet(() -> {
            var again = new TaskJson(json, maxDependencies, true);
            return again.drafts(reading).orElseThrow(() -> again.refusal(summary));
        });
    }

    private OrreryException refusal(String summary) {
        var sorted = problems.sorted();
        var more = sorted.size() > 1 ? " (and more)" : "";
        return new OrreryException(
                ErrorCode.VALIDATION_ERROR, summary + ": " + sorted.getFirst().message() + more, sorted);
    }

    private Optional<List<TaskDraft>> drafts(Reading reading) {
        try (var parser = JsonTree.parser(bytes)) {
            parser.nextToken();
            reading.of(this, parser);
            if (parser.nextToken() != null) {
                throw malformed(parser, "something follows the value");
            }
        } catch (JsonProcessingException broken) {
            throw malformed(broken);
        } catch (IOException impossible) {
            throw new UncheckedIOException("reading from memory", impossible);
        }
        return named();
    }

    private static OrreryException malformed(JsonProcessingException broken) {
        var at = broken.getLocation();
        return malformed(
                at == null ? 0 : Math.max(0, at.getLineNr()),
                at == null ? 0 : Math.max(0, at.getColumnNr()),
                JsonComplaint.of(broken.getOriginalMessage()));
    }

    private static OrreryException malformed(JsonParser parser, String message) {
        var at = parser.currentTokenLocation();
        return malformed(Math.max(0, at.getLineNr()), Math.max(0, at.getColumnNr()), message);
    }

    private static OrreryException malformed(int line, int column, String message) {
        var problem = new Problem(ProblemCode.MALFORMED_JSON, line, column, "", message, Optional.empty());
        return new OrreryException(ErrorCode.PARSE_ERROR, "the body is not well-formed JSON", List.of(problem));
    }

    private void readOne(JsonParser parser) throws IOException {
        readTask(parser, "", new JsonTree(bytes, parser, problems, placed));
        readers.forEach(reader -> reader.ref()
                .ifPresent(ref -> problems.add(
                        ProblemCode.UNKNOWN_FIELD,
                        ref.place(),
                        ref.path(),
                        "'ref' names a task inside a batch, and this one comes alone",
                        "remove it, or send the task to /tasks/batch")));
    }

    private void readBatch(JsonParser parser) throws IOException {
        var tree = new JsonTree(bytes, parser, problems, placed);
        var place = tree.place();
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            problems.add(
                    ProblemCode.WRONG_TYPE,
                    place,
                    "",
                    "the body must be an object",
                    "send the tasks as {\"tasks\": [...]}");
            parser.skipChildren();
            return;
        }
        var found = false;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            if (parser.currentName().equals(LIST)) {
                found = true;
                parser.nextToken();
                readList(parser, tree);
            } else {
                problems.add(
                        ProblemCode.UNKNOWN_FIELD,
                        tree.place(),
                        Quoted.shortened(parser.currentName(), 60),
                        "unknown field " + Quoted.of(parser.currentName()),
                        "a batch has nothing but 'tasks'");
                parser.nextToken();
                parser.skipChildren();
            }
        }
        if (!found) {
            problems.add(
                    ProblemCode.MISSING_FIELD, place, LIST, "the field 'tasks' is missing", "send the tasks in it");
        }
    }

    private void readList(JsonParser parser, JsonTree tree) throws IOException {
        var place = tree.place();
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            problems.add(ProblemCode.WRONG_TYPE, place, LIST, "'tasks' must be a list", "write it as [{…}, {…}]");
            parser.skipChildren();
            return;
        }
        var count = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (count < TaskDraft.MAX_BATCH) {
                readTask(parser, LIST + "[" + count + "]", tree);
            } else {
                parser.skipChildren();
            }
            count++;
        }
        if (count == 0 || count > TaskDraft.MAX_BATCH) {
            problems.add(
                    ProblemCode.OUT_OF_RANGE,
                    place,
                    LIST,
                    "a batch has 1 to " + TaskDraft.MAX_BATCH + " tasks, this one has " + count,
                    count == 0 ? "send at least one task" : "send the rest in further batches");
        }
    }

    private void readTask(JsonParser parser, String path, JsonTree tree) throws IOException {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            problems.add(
                    ProblemCode.WRONG_TYPE,
                    tree.place(),
                    path,
                    "a task must be an object",
                    "write it as {\"type\": \"shell\", \"command\": \"…\"}");
            parser.skipChildren();
            return;
        }
        var reader = new SingleTaskReader(tree.task(path), path, maxDependencies, problems);
        readers.add(reader);
        drafts.add(reader.read());
    }

    /** The tasks with those that they name; nothing where there is any problem. */
    private Optional<List<TaskDraft>> named() {
        var numbers = numbers();
        checkReferences(numbers);
        if (problems.count() > 0) {
            return Optional.empty();
        }
        var named = new ArrayList<TaskDraft>(drafts.size());
        for (var n = 0; n < drafts.size(); n++) {
            var draft = drafts.get(n).orElseThrow();
            var reader = readers.get(n);
            named.add(
                    reader.parent().isEmpty() && reader.dependencies().isEmpty()
                            ? draft
                            : draft.naming(
                                    reader.parent().map(parent -> target(parent, numbers)),
                                    reader.dependencies().stream()
                                            .map(dependency -> target(dependency, numbers))
                                            .toList()));
        }
        return Optional.of(named);
    }

    private static TaskDraft.Reference target(Reference reference, Map<String, Integer> numbers) {
        var number = numbers.get(reference.id());
        return number == null
                ? new TaskDraft.Reference.Existing(TaskInstanceId.parse(reference.id()))
                : new TaskDraft.Reference.Together(number);
    }

    private Map<String, Integer> numbers() {
        var numbers = new HashMap<String, Integer>();
        for (var n = 0; n < readers.size(); n++) {
            var ref = readers.get(n).ref();
            if (ref.isPresent()) {
                numbers.putIfAbsent(ref.get().id(), n + 1);
                if (isId(ref.get().id())) {
                    problems.add(
                            ProblemCode.BAD_ID,
                            ref.get().place(),
                            ref.get().path(),
                            "'ref' looks like the id of a task that is there already",
                            "choose a name that is no UUID");
                }
            }
        }
        return numbers;
    }

    private void checkReferences(Map<String, Integer> numbers) {
        var graph = new GraphCheck(problems, WHAT_THEY_NAME);
        var hasNames = false;
        for (var n = 0; n < readers.size(); n++) {
            var reader = readers.get(n);
            checkParent(reader, n + 1, numbers);
            var names = reader.dependencies().isEmpty() ? List.<Reference>of() : namesOf(reader);
            graph.add(reader.ref(), names);
            hasNames |= !names.isEmpty() || reader.ref().isPresent();
        }
        if (hasNames) {
            graph.check();
        }
    }

    /** The dependencies that are no ids, which are those of the batch; ids that stand twice are noted. */
    private List<Reference> namesOf(SingleTaskReader reader) {
        var names = new ArrayList<Reference>();
        var ids = new HashSet<String>();
        for (var dependency : reader.dependencies()) {
            if (!isId(dependency.id())) {
                names.add(dependency);
            } else if (!ids.add(dependency.id().toLowerCase(Locale.ROOT))) {
                problems.add(
                        ProblemCode.DUPLICATE_DEPENDENCY,
                        dependency.place(),
                        dependency.path(),
                        "the dependency " + Quoted.of(dependency.id()) + " stands twice",
                        "remove one of the two");
            }
        }
        return names;
    }

    /** One of the same batch stands before its children, so that no task can be its own ancestor. */
    private void checkParent(SingleTaskReader reader, int number, Map<String, Integer> numbers) {
        var parent = reader.parent();
        if (parent.isEmpty() || isId(parent.get().id())) {
            return;
        }
        var target = numbers.get(parent.get().id());
        if (target == null || target >= number) {
            problems.add(
                    ProblemCode.UNKNOWN_DEPENDENCY,
                    parent.get().place(),
                    parent.get().path(),
                    target == null
                            ? "no task has the id or the ref "
                                    + Quoted.of(parent.get().id())
                            : "the parent " + Quoted.of(parent.get().id()) + " does not stand before its child",
                    target == null
                            ? "name the id of a task, or the 'ref' of an earlier one of the same batch"
                            : "put parents before their children");
        }
    }

    private static boolean isId(String text) {
        return text.length() == ID_LENGTH && TaskInstanceId.isId(text);
    }
}
