package dev.orrery.executor;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import dev.orrery.config.AccountNumbers;
import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;

/** The account of the system under which tasks run. */
record Account(String name, int user, int group) {

    /** By name or by number; throws StartupException where there is none. A number needs no entry in the system's list. */
    static Account of(String name) {
        var numbers = numbers(name);
        if (numbers.user() == 0) {
            throw new StartupException("tasks.user: '" + name + "' is root under another name; take another account");
        }
        return new Account(name, numbers.user(), numbers.group());
    }

    private static AccountNumbers numbers(String name) {
        try {
            return AccountNumbers.of(name)
                    .orElseThrow(() -> new StartupException("tasks.user: this system has no account '" + name
                            + "'; make one with 'useradd --system --shell /usr/sbin/nologin " + name + "'"));
        } catch (IOException e) {
            throw new StartupException("tasks.user: cannot ask id(1) for '" + name + "': " + e.getMessage(), e);
        }
    }

    /**
     * Gives a file or a folder to it, with all that is in there. For what the node has made itself and no task has seen. The
     * folder comes last: before that nobody can change what is in it.
     */
    void own(Path path) throws IOException {
        try (var all = Files.walk(path)) {
            for (var file : all.toList().reversed()) {
                ownOne(file);
            }
        }
    }

    /** Gives this one to it, if it is another's. */
    void ownOne(Path file) throws IOException {
        if (!owns(file)) {
            Files.setAttribute(file, "unix:gid", group, NOFOLLOW_LINKS);
            Files.setAttribute(file, "unix:uid", user, NOFOLLOW_LINKS);
        }
    }

    boolean owns(Path file) throws IOException {
        return owner(file) == user;
    }

    static int owner(Path file) throws IOException {
        return (Integer) Files.getAttribute(file, "unix:uid", NOFOLLOW_LINKS);
    }

    /** Throws StartupException where it may not pass through a folder above this path. */
    void requireWay(Path path, String setting) throws IOException {
        for (var folder = path.toRealPath(); folder != null; folder = folder.getParent()) {
            if (!owns(folder) && !Files.getPosixFilePermissions(folder).contains(PosixFilePermission.OTHERS_EXECUTE)) {
                throw new StartupException("tasks.user '" + name + "' may not pass through " + folder + " to " + path
                        + ": choose a " + setting + " below folders that all may pass, like /var/lib/orrery");
            }
        }
    }
}
