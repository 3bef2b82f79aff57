package dev.orrery.store;

import static java.lang.System.Logger.Level.INFO;

import dev.orrery.domain.StartupException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * The programs of a PostgreSQL installation, all in one folder.
 *
 * <p>The bundled ones come as an archive on the class path, one per platform. They are unpacked once per user and
 * version, and renamed into place when they are complete, so that a crash or a second process never leaves half of them.
 */
public record PostgresBinaries(Path bin) {

    private static final System.Logger LOG = System.getLogger(PostgresBinaries.class.getName());

    /** The bundled programs, unpacked below the first of these folders that can be written. */
    public static PostgresBinaries bundled(List<Path> folders) {
        var platform = platform(System.getProperty("os.name"), System.getProperty("os.arch"));
        var name = "postgresql-" + bundledVersion() + "-" + platform;
        for (var folder : folders) {
            var programs = new PostgresBinaries(folder.resolve(name).resolve("bin"));
            if (Files.isExecutable(programs.program("postgres"))) {
                return programs;
            }
        }
        IOException last = new IOException("no folder was given");
        for (var folder : folders) {
            try {
                unpack("/postgres-" + platform + ".txz", folder.resolve(name));
                return new PostgresBinaries(folder.resolve(name).resolve("bin"));
            } catch (IOException e) {
                last = e;
            }
        }
        throw new StartupException(
                "cannot unpack the bundled PostgreSQL below any of " + folders + " (" + StoreErrors.reason(last)
                        + "): make room or give write permission there, or use a server of your own by database.url",
                last);
    }

    /** For example 18.6.0. */
    public static String bundledVersion() {
        try (var in = PostgresBinaries.class.getResourceAsStream("/dev/orrery/version.properties")) {
            var properties = new Properties();
            properties.load(in);
            return properties.getProperty("postgresql");
        } catch (IOException e) {
            throw new StartupException("the jar is damaged: version.properties cannot be read; download it again", e);
        }
    }

    static int bundledMajor() {
        var version = bundledVersion();
        return Integer.parseInt(version.substring(0, version.indexOf('.')));
    }

    /** Where the bundled programs go that all nodes of this user share; a task's environment cannot move it. */
    public static Path userCache() {
        var cache = System.getenv("XDG_CACHE_HOME");
        var base = cache != null && cache.startsWith("/")
                ? Path.of(cache)
                : Path.of(System.getProperty("user.home")).resolve(".cache");
        return base.resolve("orrery");
    }

    public Path program(String name) {
        return bin.resolve(name);
    }

    static String platform(String system, String architecture) {
        var cpu = switch (architecture) {
            case "amd64", "x86_64" -> "x86_64";
            case "aarch64", "arm64" -> "arm_64";
            default -> "";
        };
        if (!system.toLowerCase(Locale.ROOT).equals("linux") || cpu.isEmpty()) {
            throw new StartupException("there is no bundled PostgreSQL for " + system + " on " + architecture
                    + " (only for Linux on amd64 and arm64): use a server of your own by database.url");
        }
        return "linux-" + cpu;
    }

    private static void unpack(String archive, Path target) throws IOException {
        Files.createDirectories(target.getParent());
        LOG.log(INFO, "event=postgresql_unpacked_once folder=" + target);
        var unfinished = Files.createTempDirectory(
                target.getParent(),
                target.getFileName() + ".unfinished-",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        try {
            try (var resource = PostgresBinaries.class.getResourceAsStream(archive)) {
                if (resource == null) {
                    throw new StartupException("this jar was built without the PostgreSQL of this platform (" + archive
                            + "): use a server of your own by database.url");
                }
                extract(resource, unfinished);
            }
            sync(unfinished);
            moveUnlessThere(unfinished, target);
        } finally {
            StoreFiles.deleteTree(unfinished);
        }
    }

    private static void extract(InputStream archive, Path folder) throws IOException {
        try (var tar = new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(archive, 1 << 16)))) {
            for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                var path = folder.resolve(entry.getName()).normalize();
                if (!path.startsWith(folder)) {
                    throw new IOException("entry outside the archive's folder: " + entry.getName());
                }
                extract(tar, entry, path);
            }
        }
    }

    private static void extract(TarArchiveInputStream tar, TarArchiveEntry entry, Path path) throws IOException {
        if (entry.isDirectory()) {
            Files.createDirectories(path);
            return;
        }
        Files.createDirectories(path.getParent());
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
            return;
        }
        if (path.toString().endsWith(".a")) {
            return; // for compiling against the server only
        }
        Files.copy(tar, path);
        Files.setPosixFilePermissions(
                path, PosixFilePermissions.fromString((entry.getMode() & 0100) != 0 ? "rwxr-xr-x" : "rw-r--r--"));
    }

    /** After a power cut a renamed folder may hold empty files, unless they reached the disk before the rename. */
    private static void sync(Path folder) throws IOException {
        try {
            var sync = new ProcessBuilder("sync", "-f", folder.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!sync.waitFor(30, TimeUnit.SECONDS)) {
                sync.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static void moveUnlessThere(Path from, Path to) throws IOException {
        try {
            Files.move(from, to);
        } catch (IOException e) {
            if (!Files.isDirectory(to, LinkOption.NOFOLLOW_LINKS)) {
                throw e; // otherwise another process was faster, with the same files
            }
        }
    }
}
