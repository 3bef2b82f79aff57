package dev.orrery.dagfile;

import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.dag.DagDraft;
import java.util.Optional;

/**
 * Reads DAG files. Whatever the input is, the answer is a {@link Parsed}, after a time in proportion to its length, and with
 * all that is wrong at once. The file itself is safe to read: nothing in it is executed or fetched.
 */
public final class DagFileParser {

    private DagFileParser() {}

    /** Reads the bytes of a file, which have to be UTF-8. */
    public static Parsed parse(byte[] yaml) {
        var problems = new Problems();
        return parse(SourceText.of(yaml, problems), problems);
    }

    /** Reads the text of a file. */
    public static Parsed parse(String yaml) {
        var problems = new Problems();
        return parse(SourceText.of(yaml, problems), problems);
    }

    private static Parsed parse(Optional<String> text, Problems problems) {
        var draft = text.flatMap(yaml -> draft(yaml, problems));
        return draft.isPresent() ? new Parsed.Valid(draft.get()) : new Parsed.Invalid(problems.sorted());
    }

    private static Optional<DagDraft> draft(String yaml, Problems problems) {
        var root = YamlTree.of(yaml, problems);
        if (root.isEmpty() && problems.count() == 0) {
            problems.add(
                    ProblemCode.EMPTY_FILE,
                    new YamlNode.Place(1, 1),
                    "",
                    "the file is empty",
                    "'orrery dag new NAME' prints a file to begin with");
        }
        var draft = root.flatMap(node -> DagReader.read(node, problems));
        return problems.count() == 0 ? draft : Optional.empty();
    }
}
