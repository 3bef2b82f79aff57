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

    /** A line of the server or of initdb without its time and level. */
    static String bare(String line) {
        return line.replaceFirst("^.*?(FATAL|PANIC|error): +", "");
    }

    /** What to do about a complaint of the server or of initdb; empty when only its reader can know. */
    static String cure(String complaint) {
        if (complaint.contains("No space left on device") || complaint.contains("Disk quota exceeded")) {
            return ": make room there, or choose another folder with --data-dir";
        }
        if (complaint.contains("Permission denied") || complaint.contains("Read-only file system")) {
            return ": give this account write permission there, or choose another folder with --data-dir";
        }
        if (complaint.contains("could not map anonymous shared memory")
                || complaint.contains("Cannot allocate memory")) {
            return ": it needs about 300 MB of memory; make that free";
        }
        return "";
    }

    static String firstLine(String text) {
        return text.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst()
                .orElse("");
    }
}
