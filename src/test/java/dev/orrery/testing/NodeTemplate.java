package dev.orrery.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The data folder of a node that was started once and stopped. Nodes of tests begin with a copy of it, since to make a database
 * takes longer than most of what they are started for. The JVM leaves beside it what it has loaded and linked, by which those
 * of the other nodes start with a third less of the processor. Made once for each jar, by whichever JVM needs it first; where the system
 * property {@code orrery.template} names no folder there is none, and each node begins with nothing.
 */
public final class NodeTemplate {

    private static final Optional<Path> PLACE = Optional.of(System.getProperty("orrery.template", ""))
            .filter(place -> !place.isBlank())
            .map(Path::of);

    private NodeTemplate() {}

    /** Fills this folder of data unless there is something in it, or the node is to have another database. */
    public static void copyTo(Path dataDir, String... arguments) throws IOException {
        if (PLACE.isEmpty() || hasOtherDatabase(arguments) || !isEmpty(dataDir)) {
            return;
        }
        var template = made(PLACE.get());
        Files.createDirectories(dataDir);
        run("cp", "-a", "--reflink=auto", template + "/.", dataDir.toString());
    }

    private static boolean hasOtherDatabase(String... arguments) {
        return List.of(arguments).stream().anyMatch(argument -> argument.contains("database"));
    }

    private static boolean isEmpty(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return true;
        }
        try (var entries = Files.list(folder)) {
            return entries.findAny().isEmpty();
        }
    }

    /** What a JVM of the program is given to start sooner; nothing while there is no template. */
    static List<String> options() {
        if (PLACE.isEmpty()) {
            return List.of();
        }
        var cache = cache(templateOf(PLACE.get()));
        return Files.exists(cache) ? List.of("-XX:AOTCache=" + cache, "-Xlog:aot*=off,cds*=off") : List.of();
    }

    private static Path cache(Path template) {
        return template.resolveSibling(template.getFileName() + ".aot");
    }

    private static Path templateOf(Path place) {
        try {
            return template(place);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static Path template(Path place) throws IOException {
        var jar = NodeProcess.jar();
        var name = Files.size(jar) + "-" + Files.getLastModifiedTime(jar).toMillis();
        return place.toAbsolutePath().resolve(name);
    }

    private static synchronized Path made(Path place) throws IOException {
        var template = template(place);
        Files.createDirectories(place);
        try (var channel =
                        FileChannel.open(place.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var _ = channel.lock()) {
            if (!Files.exists(template)) {
                deleteOlder(place);
                var folder = Files.createTempDirectory(place.toAbsolutePath(), "new");
                var data = folder.resolve("data");
                var cache = folder.resolve("cache");
                var node = NodeProcess.startNew(Map.of("JAVA_TOOL_OPTIONS", "-XX:AOTCacheOutput=" + cache), data);
                if (node.stop() != 0) {
                    throw new AssertionError("the node of the template did not end well: " + node.output());
                }
                if (Files.exists(cache)) {
                    Files.move(cache, cache(template), StandardCopyOption.ATOMIC_MOVE);
                }
                Files.move(data, template, StandardCopyOption.ATOMIC_MOVE);
                Folders.delete(folder);
            }
        }
        return template;
    }

    /** Those of other jars. */
    private static void deleteOlder(Path place) throws IOException {
        try (var entries = Files.list(place)) {
            entries.filter(entry -> !entry.endsWith("lock")).forEach(Folders::delete);
        }
    }

    private static void run(String... command) throws IOException {
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            var said = new String(process.getInputStream().readAllBytes(), UTF_8);
            if (process.waitFor() != 0) {
                throw new IOException(String.join(" ", command) + ": " + said);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", interrupted);
        }
    }
}
