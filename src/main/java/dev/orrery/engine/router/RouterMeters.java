package dev.orrery.engine.router;

import dev.orrery.domain.task.AttemptOutcome;
import java.time.Duration;

/** What a router tells of its work, for metrics. */
public interface RouterMeters {

    /** For routers that nobody measures. */
    RouterMeters NONE = new RouterMeters() {
        @Override
        public void attemptEnded(AttemptOutcome outcome, Duration duration) {}

        @Override
        public void exchanged(Duration duration, int reports) {}

        @Override
        public void claimed(int tasks) {}

        @Override
        public void resultRefused() {}
    };

    void attemptEnded(AttemptOutcome outcome, Duration duration);

    /** One round trip that committed so many reports. */
    void exchanged(Duration duration, int reports);

    void claimed(int tasks);

    /** A result whose claim was gone. */
    void resultRefused();
}
