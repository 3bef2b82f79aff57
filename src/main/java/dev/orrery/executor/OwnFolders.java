package dev.orrery.executor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a task of level 1 sees of the folders of attempts and runs: its own. All tasks have one account, so permissions cannot keep
 * them apart; an empty file system over each of the two folders does, in a mount namespace that ends with the task. Shared memory is
 * a folder of its own, too: what is left there would be memory that nobody gives back.
 */
final class OwnFolders {

    /**
     * The own folders are held open while they are covered, and not longer: from an open folder a way would lead up to the others.
     */
    private static final String COVER = """
            set -e
            work=$1; own=$2; runs=$3; run=$4; memory=$5; shift 5
            cover() { mkdir -p -- "$1"; mount -t tmpfs -o mode=711,nosuid,nodev,size=64k orrery "$1"; }
            show() { mkdir -- "$2"; mount --no-canonicalize --bind "/proc/self/fd/$1" "$2"; }
            cd /
            [ ! -d /dev/shm ] || mount --bind "$memory" /dev/shm
            exec 3<"$own"
            [ -z "$run" ] || exec 4<"$run"
            cover "$runs"
            cover "$work"
            show 3 "$own"
            [ -z "$run" ] || show 4 "$run"
            exec "$@" 3<&- 4<&-""";

    private OwnFolders() {}

    /** What begins the command of such a task, as root and in its own mount namespace. */
    static List<String> command(TaskFolders folders, AttemptFolder folder, Launch launch) {
        var command = new ArrayList<>(List.of("/bin/sh", "-c", COVER, "orrery-folders"));
        command.add(folders.work().toString());
        command.add(folder.path().toString());
        command.add(folders.runs().toString());
        command.add(launch.runFolder().map(Path::toString).orElse(""));
        command.add(folder.sharedMemory().toString());
        return command;
    }
}
