package dev.orrery.store;

import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * How the programs of PostgreSQL are started, which refuse to run as root.
 *
 * <p>An ordinary user starts them as itself. For root a user namespace is enough: inside it the programs see an account
 * without rights, outside the files stay root's own. Where namespaces are forbidden (many containers) the account
 * {@code nobody} runs them, and owns the files.
 *
 * @param prefix what stands before a program's name
 * @param owner the account that must own the server's files; empty: the one that runs this JVM
 */
record ServerAccount(List<String> prefix, String owner) {

    private static final List<String> NAMESPACE = List.of("unshare", "--user");
    private static final List<String> NOBODY =
            List.of("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all");

    ServerAccount {
        prefix = List.copyOf(prefix);
    }

    static ServerAccount ofThisProcess() {
        var self = new ServerAccount(List.of(), "");
        if (!isRoot()) {
            return self;
        }
        if (works(NAMESPACE)) {
            return new ServerAccount(NAMESPACE, "");
        }
        return nobody();
    }

    static ServerAccount nobody() {
        if (works(NOBODY)) {
            return new ServerAccount(NOBODY, "nobody");
        }
        throw new StartupException("the embedded PostgreSQL does not run as root, and this system offers neither"
                + " 'unshare --user' nor 'setpriv': start Orrery as an ordinary user, or use a server of your own by"
                + " database.url");
    }

    List<String> command(Path program, List<String> arguments) {
        var command = new ArrayList<>(prefix);
        command.add(program.toString());
        command.addAll(arguments);
        return List.copyOf(command);
    }

    /** Gives a folder and what is in it to the account that runs the server. */
    void own(Path folder) throws IOException {
        if (owner.isEmpty()) {
            return;
        }
        for (var parent = folder.toAbsolutePath().getParent(); parent != null; parent = parent.getParent()) {
            if (!Files.getPosixFilePermissions(parent).contains(PosixFilePermission.OTHERS_EXECUTE)
                    && !Files.getOwner(parent).getName().equals(owner)) {
                throw new StartupException("as root the embedded PostgreSQL runs as '" + owner + "' here, which may not"
                        + " enter " + parent
                        + ": start Orrery as an ordinary user, or choose a --data-dir below folders"
                        + " that all may enter, like /var/lib/orrery");
            }
        }
        var account = folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(owner);
        try (Stream<Path> files = Files.walk(folder)) {
            for (var file : (Iterable<Path>) files::iterator) {
                Files.setOwner(file, account);
            }
        }
    }

    private static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    /** Whether a program started with this prefix runs, and not as root. */
    static boolean works(List<String> prefix) {
        var command = new ArrayList<>(prefix);
        command.addAll(List.of("id", "-u"));
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            var answer = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            return process.waitFor(5, TimeUnit.SECONDS)
                    && process.exitValue() == 0
                    && !answer.strip().equals("0");
        } catch (IOException e) {
            return false; // the program is not installed
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
