package dev.orrery.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An authority of one test's own, by openssl, and the certificates that it signs: PEM files, keys in PKCS#8. */
public final class Certificates {

    private final Path folder;
    private final String name;

    /** A certificate and its key. */
    public record Pair(Path certificate, Path key) {}

    /** The authority's files go into the folder. Without openssl the test is skipped, in CI it fails. */
    public Certificates(Path folder, String name) {
        Needed.program("openssl", "openssl");
        this.folder = folder;
        this.name = name;
        openssl(
                "req",
                "-x509",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=" + name,
                "-keyout",
                file(".key"),
                "-out",
                file(".pem"));
    }

    /** The authority's own certificate. */
    public Path authority() {
        return folder.resolve(name + ".pem");
    }

    /** A certificate for a server or client; {@code alternatives} such as {@code IP:127.0.0.1} say where it serves. */
    public Pair sign(String subject, String alternatives) {
        try {
            var request = file("-" + subject + ".csr");
            var extensions = Files.writeString(
                    folder.resolve(name + "-" + subject + ".ext"), "subjectAltName=" + alternatives + "\n");
            var pair = new Pair(
                    folder.resolve(name + "-" + subject + ".pem"), folder.resolve(name + "-" + subject + ".key"));
            openssl(
                    "req",
                    "-new",
                    "-nodes",
                    "-subj",
                    "/CN=" + subject,
                    "-keyout",
                    pair.key.toString(),
                    "-out",
                    request);
            run(
                    "x509",
                    "-req",
                    "-days",
                    "2",
                    "-in",
                    request,
                    "-CA",
                    file(".pem"),
                    "-CAkey",
                    file(".key"),
                    "-CAcreateserial",
                    "-extfile",
                    extensions.toString(),
                    "-out",
                    pair.certificate.toString());
            return pair;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String file(String ending) {
        return folder.resolve(name + ending).toString();
    }

    /** A request or certificate with a new key. */
    private static void openssl(String command, String... arguments) {
        var all = new ArrayList<>(List.of("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"));
        all.addAll(List.of(arguments));
        run(command, all.toArray(String[]::new));
    }

    private static void run(String command, String... arguments) {
        var all = new ArrayList<>(List.of("openssl", command));
        all.addAll(List.of(arguments));
        var exit = run(all);
        if (exit != 0) {
            throw new AssertionError("exit code " + exit + " of " + String.join(" ", all));
        }
    }

    /** The exit code; 127 where there is no such program. */
    private static int run(List<String> command) {
        try {
            var process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("no end within 30 s of " + String.join(" ", command));
            }
            return process.exitValue();
        } catch (IOException _) {
            return 127;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
