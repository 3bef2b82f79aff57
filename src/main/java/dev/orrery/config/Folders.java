package dev.orrery.config;

import java.nio.file.Path;

/** Folders as people write them, where {@code ~} is the user's home. */
final class Folders {

    private static final String HOME = "~";

    private Folders() {}

    static String expanded(String text) {
        var isBelowHome = text.equals(HOME) || text.startsWith(HOME + "/");
        return isBelowHome ? System.getProperty("user.home") + text.substring(HOME.length()) : text;
    }

    static Path path(String text) {
        return Path.of(expanded(text));
    }

    static String text(Path folder) {
        var home = Path.of(System.getProperty("user.home"));
        if (home.getNameCount() == 0 || !folder.startsWith(home)) {
            return folder.toString();
        }
        return folder.equals(home) ? HOME : HOME + "/" + home.relativize(folder);
    }
}
