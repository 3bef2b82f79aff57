package dev.orrery.store;

import dev.orrery.domain.RunId;
import dev.orrery.store.WorkRepository.Held;
import java.util.Collection;

/** Told of what has ended in the database, or may have, so that its spans can be recorded. From any thread; must not block. */
public interface Endings {

    /** Of a node that traces nothing. */
    Endings NONE = new Endings() {
        @Override
        public void runMayBeOver(RunId run) {}

        @Override
        public void takenBack(Collection<Held> claims) {}
    };

    /** A task of this run has ended, or the run was cancelled. */
    void runMayBeOver(RunId run);

    /** The attempts of these claims, where they had begun, are over without a result of their worker. */
    void takenBack(Collection<Held> claims);
}
