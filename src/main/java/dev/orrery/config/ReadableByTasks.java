package dev.orrery.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Refuses a configuration that would keep tasks away from the node and leave the node's secrets in files that they can read. */
final class ReadableByTasks {

    private final OrreryConfig config;
    private final ConfigProblems problems;

    private ReadableByTasks(OrreryConfig config, ConfigProblems problems) {
        this.config = config;
        this.problems = problems;
    }

    /** @param origins by key, where its value was set */
    static void check(OrreryConfig config, Optional<Path> file, Map<String, String> origins, ConfigProblems problems) {
        if (config.tasks().isolation().level() == 0) {
            return;
        }
        var check = new ReadableByTasks(config, problems);
        check.secretFiles(file, origins).forEach(check::checkOne);
    }

    private Map<Path, String> secretFiles(Optional<Path> file, Map<String, String> origins) {
        var files = new LinkedHashMap<Path, String>();
        file.ifPresent(given -> Settings.ALL.stream()
                .filter(setting -> setting.isSecret()
                        || (setting.equals(Settings.DATABASE_URL)
                                && !setting.shownIn(config).equals(setting.textIn(config))))
                .filter(setting -> origins.getOrDefault(setting.key(), "").startsWith(given + ":"))
                .findFirst()
                .ifPresent(setting -> files.put(given, "holds " + setting.key())));
        Stream.of(Settings.ETCD_KEY_FILE, Settings.BUS_KEY_FILE)
                .filter(setting -> !setting.in(config).isEmpty())
                .forEach(setting -> files.put(Path.of(setting.in(config)), "is " + setting.key()));
        config.tasks().secretSources().stream()
                .filter(SecretSource::isFile)
                .forEach(source -> files.put(Path.of(source.where()), "holds the secret " + source.key()));
        return files;
    }

    private void checkOne(Path file, String what) {
        var isolation = config.tasks().isolation();
        try {
            var real = file.toRealPath();
            if (isolation.level() == IsolationConfig.OTHER_USER) {
                checkRights(file, what, real);
            } else if (isolation.level() == IsolationConfig.SANDBOX
                    && visible().anyMatch(folder -> real.startsWith(folder))) {
                refuse(
                        file,
                        what,
                        "it lies in a folder that tasks see",
                        "move it out of tasks.directory and tasks.folders");
            }
        } catch (IOException | UnsupportedOperationException _) {
            // What is not there, or cannot be looked at, is told where it is needed.
        }
    }

    /** By numbers: the settings may tell the account by its name or by its number, and its group may be called otherwise. */
    private void checkRights(Path file, String what, Path real) throws IOException {
        var rights = Files.getPosixFilePermissions(real);
        if (rights.contains(PosixFilePermission.OTHERS_READ)) {
            refuse(file, what, "every account may read it", "take the right away: chmod o-r " + file);
            return;
        }
        var owner = (Integer) Files.getAttribute(real, "unix:uid");
        var group = (Integer) Files.getAttribute(real, "unix:gid");
        var account = AccountNumbers.of(config.tasks().isolation().user());
        if (account.filter(each -> each.user() == owner).isPresent()) {
            refuse(file, what, "it belongs to tasks.user", "give it to the account of the node: chown root " + file);
        } else if (rights.contains(PosixFilePermission.GROUP_READ)
                && account.filter(each -> each.group() == group).isPresent()) {
            refuse(file, what, "the group of tasks.user may read it", "take the right away: chmod g-r " + file);
        }
    }

    private Stream<Path> visible() {
        return Stream.concat(
                        Stream.of(config.tasks().directory()).filter(folder -> !folder.isEmpty()),
                        config.tasks().isolation().folders().stream())
                .map(folder -> real(Path.of(folder)));
    }

    private static Path real(Path folder) {
        try {
            return folder.toRealPath();
        } catch (IOException _) {
            return folder.toAbsolutePath().normalize();
        }
    }

    private void refuse(Path file, String what, String why, String cure) {
        problems.add(
                file.toString(),
                "READABLE_BY_TASKS",
                "this file " + what + ", and with tasks.isolation "
                        + config.tasks().isolation().level() + " no task may see that: " + why,
                Optional.of(cure));
    }
}
