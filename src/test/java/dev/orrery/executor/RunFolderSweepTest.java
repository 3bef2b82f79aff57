package dev.orrery.executor;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.RunId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderSweepTest {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    @TempDir
    Path folder;

    private final Vertx vertx = Vertx.vertx();
    private final Set<RunId> runs = new HashSet<>();

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Test
    void aRoundGoesOverAllFoldersInBites() throws IOException {
        var gone = folders(25);
        runs.addAll(folders(7));
        Files.createDirectory(folder.resolve("not a run"));
        var sweep = sweep(10);

        var more = List.of(await(sweep.bite()), await(sweep.bite()), await(sweep.bite()), await(sweep.bite()));

        assertThat(more).containsExactly(true, true, true, false);
        assertThat(gone).allSatisfy(run -> assertThat(path(run)).doesNotExist());
        assertThat(runs).allSatisfy(run -> assertThat(path(run)).isDirectory());
        assertThat(folder.resolve("not a run")).isDirectory();
    }

    @Test
    void theNextRoundSeesWhatHasChanged() throws IOException {
        runs.addAll(folders(3));
        var sweep = sweep(10);
        assertThat(await(sweep.bite())).isFalse();
        assertThat(folder).isDirectoryContaining(path -> true);

        runs.clear();
        assertThat(await(sweep.bite())).isFalse();

        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aFolderThatCannotBeRemovedKeepsNoOtherFromIt() throws Exception {
        var gone = folders(5);
        var stuck = path(gone.get(2));
        tooDeepForAPath(stuck);
        var sweep = sweep(10);

        assertThat(await(sweep.bite())).isFalse();

        assertThat(folder).isDirectoryContaining(path -> true);
        assertThat(gone.stream().map(this::path).filter(path -> !path.equals(stuck)))
                .allSatisfy(path -> assertThat(path).doesNotExist());
        run("rm", "-rf", stuck.toString());
    }

    @Test
    void whereThereIsNoFolderYetThereIsNothingToDo() {
        var sweep = new RunFolderSweep(vertx, new RunFolders(folder.resolve("none")), this::existing, 10);

        assertThat(await(sweep.bite())).isFalse();
    }

    private RunFolderSweep sweep(int biteSize) {
        return new RunFolderSweep(vertx, new RunFolders(folder), this::existing, biteSize);
    }

    private Future<Set<RunId>> existing(List<RunId> asked) {
        var there = new HashSet<>(asked);
        there.retainAll(runs);
        return Future.succeededFuture(there);
    }

    private List<RunId> folders(int count) throws IOException {
        var made = new ArrayList<RunId>();
        for (var n = 0; n < count; n++) {
            var run = new RunId(IDS.next(System.currentTimeMillis()));
            Files.createFile(Files.createDirectory(path(run)).resolve("left"));
            made.add(run);
        }
        return made;
    }

    private Path path(RunId run) {
        return folder.resolve(run.toString());
    }

    /** A tree that can be made step by step, but whose end has a longer path than the system takes. */
    private static void tooDeepForAPath(Path parent) throws Exception {
        var steps = "chdir shift or die; my $n = 'd' x 250; for (1..20) { mkdir $n or die; chdir $n or die }";
        run("perl", "-e", steps, parent.toString());
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).start().waitFor()).isZero();
    }
}
