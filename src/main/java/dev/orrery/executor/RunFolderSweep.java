package dev.orrery.executor;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.RunId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * Removes the folders of runs that are no longer there. It goes over all of them in bounded bites, one after the other,
 * and then begins anew; a folder that cannot be removed is told and left for the next round. One bite at a time.
 */
public final class RunFolderSweep {

    private static final System.Logger LOG = System.getLogger(RunFolderSweep.class.getName());

    private final Vertx vertx;
    private final RunFolders folders;
    private final Function<List<RunId>, Future<Set<RunId>>> existing;
    private final int biteSize;
    private final RunFolders.Round round;

    /**
     * @param existing which of these runs there are; asked after their folders were seen, so that no run is missed
     * @param biteSize how many folders a bite looks at
     */
    public RunFolderSweep(
            Vertx vertx, RunFolders folders, Function<List<RunId>, Future<Set<RunId>>> existing, int biteSize) {
        this.vertx = vertx;
        this.folders = folders;
        this.existing = existing;
        this.biteSize = biteSize;
        this.round = folders.round();
    }

    /** Whether the round goes on with the next bite. */
    public Future<Boolean> bite() {
        return vertx.executeBlocking(() -> round.next(biteSize), false)
                .compose(found -> existing.apply(found)
                        .compose(there -> vertx.executeBlocking(
                                () -> {
                                    found.stream()
                                            .filter(run -> !there.contains(run))
                                            .forEach(this::remove);
                                    return found.size() == biteSize;
                                },
                                false)));
    }

    private void remove(RunId run) {
        try {
            folders.remove(run);
        } catch (IOException e) {
            LOG.log(WARNING, "cannot remove the folder of a deleted run: run=" + run + " reason=" + e.getMessage());
        }
    }
}
