package dev.orrery.store;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Puts what failed into one line for people. */
final class StoreErrors {

    private StoreErrors() {}

    /** The JDK's file errors often have no message but the path: this adds the reason. */
    static String reason(IOException e) {
        var message = firstLine(e.getMessage() == null ? "" : e.getMessage());
        return switch (e) {
            case AccessDeniedException _ -> message + ": permission denied";
            case NotDirectoryException _ -> message + ": not a folder";
            case FileAlreadyExistsException _ -> message + ": a file is in the way";
            case NoSuchFileException _ -> message + ": no such file or folder";
            default -> message.isEmpty() ? e.getClass().getSimpleName() : message;
        };
    }

    /** The first line of what it says, or its kind when it says nothing. */
    static String message(Throwable failure) {
        var message = failure.getMessage();
        return message == null || message.isBlank() ? failure.getClass().getSimpleName() : firstLine(message);
    }

    static String firstLine(String text) {
        return text.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst()
                .orElse("");
    }
}
