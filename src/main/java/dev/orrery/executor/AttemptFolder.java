package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The folder of one attempt: what it is given, its empty home, and the place where it may leave its output. Only its
 * owner can look into it, and it is removed after the attempt.
 */
record AttemptFolder(Path path) {

    /** Makes the folder, with the files of inputs and params. */
    static AttemptFolder create(Path root, TaskContext context) throws IOException {
        var name = context.instanceId() + "-" + context.attempt() + "-" + context.fence();
        var folder = new AttemptFolder(Files.createDirectory(root.resolve(name), WorkRoot.OWNER_ONLY));
        Files.createDirectory(folder.home(), WorkRoot.OWNER_ONLY);
        writeObject(folder.inputs(), context.inputs());
        Files.writeString(folder.params(), context.params().text(), UTF_8);
        return folder;
    }

    Path home() {
        return path.resolve("home");
    }

    Path inputs() {
        return path.resolve("inputs.json");
    }

    Path params() {
        return path.resolve("params.json");
    }

    /** Not there until the attempt writes it. */
    Path output() {
        return path.resolve("output.json");
    }

    /** Appears when the attempt is asked to end. */
    Path stop() {
        return path.resolve("stop");
    }

    /** What the attempt sees as {@code /tmp} where it sees no other. */
    Path temporary() {
        return path.resolve("tmp");
    }

    /** What it sees as {@code /dev/shm} there. */
    Path sharedMemory() {
        return path.resolve("shm");
    }

    /** A file with a part of the command that is too long or too foreign to be an argument. */
    Path script(String name) {
        return path.resolve(name);
    }

    /** Written member by member: together they can be large. */
    private static void writeObject(Path file, Map<TaskId, Json> members) throws IOException {
        try (var out = Files.newBufferedWriter(file, UTF_8)) {
            var separator = "{";
            for (var member : members.entrySet()) {
                out.write(separator + "\"" + member.getKey().value() + "\":");
                out.write(member.getValue().text());
                separator = ",";
            }
            out.write(members.isEmpty() ? "{}" : "}");
        }
    }
}
