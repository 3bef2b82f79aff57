package dev.orrery.node;

import dev.orrery.config.OrreryConfig;
import dev.orrery.domain.StartupException;
import dev.orrery.store.CheckResult;
import dev.orrery.store.DatabaseDoctor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** Looks whether what a node needs is in order, without starting one. Blocks. */
public final class Doctor {

    private static final Duration LOOK_AGAIN = Duration.ofSeconds(2);
    private static final List<String> DISK_HELP =
            List.of("delete what is not needed there, make the disk larger, or lower health.disk-low");

    private Doctor() {}

    /**
     * What one check came to.
     *
     * @param outcome {@code ok}, {@code found} or {@code not_checked}
     * @param count how many break it, at most one more than is counted
     * @param isMore whether there are more than are counted
     */
    public record Finding(
            String check,
            String outcome,
            String meaning,
            int count,
            boolean isMore,
            List<String> examples,
            String cure,
            String note) {

        public Finding {
            examples = List.copyOf(examples);
        }
    }

    /**
     * Makes all checks and tells each as soon as it is made.
     *
     * @param limit how long a statement may take
     * @throws StartupException where the database cannot be reached
     */
    public static void examine(OrreryConfig config, Path startDirectory, Duration limit, Consumer<Finding> to) {
        var data = startDirectory.resolve(config.node().dataDir());
        try (var database = DatabaseDoctor.open(config.database(), data, limit)) {
            to.accept(disk(config, startDirectory));
            if (config.isCluster()) {
                EtcdDoctor.examine(config.etcd(), database::cluster, LOOK_AGAIN)
                        .forEach(finding -> to.accept(told(finding)));
            }
            database.examine(finding -> to.accept(told(finding)));
        }
    }

    private static Finding told(CheckResult finding) {
        return new Finding(
                finding.check(),
                finding.outcome().name().toLowerCase(java.util.Locale.ROOT),
                finding.meaning(),
                Math.min(finding.count(), DatabaseDoctor.COUNTED),
                finding.count() > DatabaseDoctor.COUNTED,
                finding.examples(),
                finding.cure(),
                finding.note());
    }

    private static Finding disk(OrreryConfig config, Path startDirectory) {
        var watch = NodeFolders.watched(config, startDirectory);
        watch.look();
        var meaning = "the disks have more room than health.disk-low";
        return told(watch.health()
                .reason()
                .map(reason -> CheckResult.found("disk", meaning, List.of(reason), DISK_HELP.getFirst()))
                .orElseGet(() -> CheckResult.ok("disk", meaning)));
    }
}
