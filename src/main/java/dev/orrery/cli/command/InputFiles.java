package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;

/** Reads the files that are named on the command line; {@code -} is standard input. */
final class InputFiles {

    static final String STANDARD_INPUT = "-";

    /** More than any DAG file may have, so that the reader of the file says what is wrong. */
    private static final int LIMIT = 4 << 20;

    private final Context context;

    InputFiles(Context context) {
        this.context = context;
    }

    /** The name by which a file is spoken of. */
    static String shown(String name) {
        return name.equals(STANDARD_INPUT) ? "<stdin>" : name;
    }

    byte[] read(String name) {
        try (var in = open(name)) {
            return in.readNBytes(LIMIT);
        } catch (IOException unreadable) {
            throw CommandFailure.usage("cannot read " + shown(name) + ": " + reason(unreadable), "is the name right?");
        }
    }

    /** How many bytes it has; 0 where nobody knows before the end. */
    long size(String name) {
        if (name.equals(STANDARD_INPUT)) {
            return 0;
        }
        try {
            return Files.size(context.directory().resolve(name));
        } catch (IOException unreadable) {
            throw CommandFailure.usage("cannot read " + shown(name) + ": " + reason(unreadable), "is the name right?");
        }
    }

    InputStream open(String name) throws IOException {
        if (name.equals(STANDARD_INPUT)) {
            return context.in();
        }
        return Files.newInputStream(context.directory().resolve(name));
    }

    static String reason(IOException unreadable) {
        return switch (unreadable) {
            case NoSuchFileException _ -> "there is no such file";
            case AccessDeniedException _ -> "permission denied";
            default -> unreadable.getMessage() == null ? unreadable.toString() : unreadable.getMessage();
        };
    }
}
