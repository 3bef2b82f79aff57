package dev.orrery.node;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.api.Health;
import dev.orrery.config.HealthConfig;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Looks every now and then how much room is left on the disks that the node writes to. May be asked from any thread, and
 * never waits for a disk: one that does not answer is told by the age of the last answer.
 */
final class DiskWatch {

    static final Duration EVERY = Duration.ofSeconds(2);

    private static final System.Logger LOG = System.getLogger(DiskWatch.class.getName());
    private static final long KIB = 1L << 10;

    private final Map<String, Path> folders;
    private final HealthConfig limits;
    private final AtomicBoolean isLooking = new AtomicBoolean();
    private volatile Sight sight = new Sight(Health.Status.UP, "", System.nanoTime());

    /** What was seen, and when. */
    private record Sight(Health.Status status, String text, long nanos) {}

    /** How much room a folder has. */
    private record Room(String what, Path folder, long free) {}

    /** {@code folders}: by what they are for. */
    DiskWatch(Map<String, Path> folders, HealthConfig limits) {
        this.folders = Map.copyOf(folders);
        this.limits = limits;
    }

    /** Looks once, and then again and again. Blocks for the first look. */
    void start(Vertx vertx) {
        look();
        vertx.setPeriodic(EVERY.toMillis(), _ -> {
            if (isLooking.compareAndSet(false, true)) {
                vertx.executeBlocking(
                                () -> {
                                    look();
                                    return true;
                                },
                                false)
                        .onComplete(_ -> isLooking.set(false));
            }
        });
    }

    /** Whether there is room for what new work brings. */
    boolean hasRoom() {
        return sight.status != Health.Status.DOWN;
    }

    /** Why nothing new can be taken in; empty while there is room. */
    Optional<String> refusal() {
        var seen = sight;
        return seen.status == Health.Status.DOWN ? Optional.of(seen.text) : Optional.empty();
    }

    Health health() {
        var seen = sight;
        var age = Duration.ofNanos(System.nanoTime() - seen.nanos);
        if (age.compareTo(limits.stuckAfter()) > 0) {
            return Health.degraded("the disks have not told for " + age.toSeconds()
                            + " s how much is free: see whether a network file system hangs")
                    .since(age);
        }
        return switch (seen.status) {
            case UP -> Health.up(age);
            case DEGRADED -> Health.degraded(seen.text).since(age);
            case DOWN -> Health.down(seen.text).since(age);
        };
    }

    void look() {
        var tightest = rooms().stream().min(Comparator.comparingLong(Room::free));
        var seen = tightest.map(this::judged).orElseGet(() -> new Sight(Health.Status.UP, "", System.nanoTime()));
        var before = sight.status;
        sight = seen;
        if (seen.status != before) {
            var level = switch (seen.status) {
                case UP -> INFO;
                case DEGRADED -> WARNING;
                case DOWN -> ERROR;
            };
            LOG.log(level, "event=disk_" + (seen.status == Health.Status.UP ? "has_room" : "tight") + " " + seen.text);
        }
    }

    private Sight judged(Room room) {
        var now = System.nanoTime();
        var where = "the disk of " + room.folder() + " (" + room.what() + ") has " + text(room.free()) + " left";
        if (room.free() < limits.diskFull()) {
            return new Sight(
                    Health.Status.DOWN,
                    where + ", less than health.disk-full (" + text(limits.diskFull())
                            + "): the node takes no more work until there is room again; delete what is not needed there, or"
                            + " make the disk larger",
                    now);
        }
        if (room.free() < limits.diskLow()) {
            return new Sight(
                    Health.Status.DEGRADED,
                    where + ", less than health.disk-low (" + text(limits.diskLow()) + "): make room before it is "
                            + text(limits.diskFull()) + ", where the node takes no more work",
                    now);
        }
        return new Sight(Health.Status.UP, where, now);
    }

    private List<Room> rooms() {
        return folders.entrySet().stream()
                .flatMap(entry -> room(entry.getKey(), entry.getValue()).stream())
                .toList();
    }

    /** Of the folder, or where it is still to be made, of the one in which it will be. */
    private static Optional<Room> room(String what, Path folder) {
        var there = folder.toAbsolutePath();
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        try {
            return Optional.of(new Room(what, folder, Files.getFileStore(there).getUsableSpace()));
        } catch (IOException e) {
            LOG.log(WARNING, "cannot tell how much room there is: folder=" + folder, e);
            return Optional.empty();
        }
    }

    private static String text(long bytes) {
        if (bytes >= 10 * KIB * KIB * KIB) {
            return bytes / (KIB * KIB * KIB) + " GiB";
        }
        return bytes >= 10 * KIB * KIB ? bytes / (KIB * KIB) + " MiB" : bytes / KIB + " KiB";
    }
}
