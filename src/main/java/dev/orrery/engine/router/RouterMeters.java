package dev.orrery.engine.router;

import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.Verdict;
import java.time.Duration;

/** What a router tells of its work, for metrics and traces. */
public interface RouterMeters {

    /** For routers that nobody measures. */
    RouterMeters NONE = new RouterMeters() {
        @Override
        public void attemptBegan(TaskAssignment attempt, Duration sinceClaim, Duration ago) {}

        @Override
        public void attemptEnded(AttemptEnded attempt, Verdict verdict, Duration duration) {}

        @Override
        public void exchanged(Duration duration, int reports) {}

        @Override
        public void exchangeFailed() {}

        @Override
        public void committed(TaskInstanceId task, Verdict verdict) {}

        @Override
        public void claimed(int tasks) {}

        @Override
        public void resultRefused(TaskInstanceId task) {}
    };

    /** Told once of each attempt, at its end at the latest: how long it had waited since its claim, and how long ago it began. */
    void attemptBegan(TaskAssignment attempt, Duration sinceClaim, Duration ago);

    /** Told once of each attempt that had begun, before its result is committed. */
    void attemptEnded(AttemptEnded attempt, Verdict verdict, Duration duration);

    /** One round trip that told so many reports. */
    void exchanged(Duration duration, int reports);

    /** The round trip was in vain, or it is not known whether it was. */
    void exchangeFailed();

    /** A result that counted, and what became of its task. */
    void committed(TaskInstanceId task, Verdict verdict);

    void claimed(int tasks);

    /** A result whose claim was gone. */
    void resultRefused(TaskInstanceId task);
}
