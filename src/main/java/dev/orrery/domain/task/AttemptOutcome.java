package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import java.time.Duration;

/** What one attempt did, as told by the worker that held it. */
public sealed interface AttemptOutcome {

    /** It did its work; {@code output} is JSON null where it has nothing to say. */
    record Succeeded(Json output) implements AttemptOutcome {

        public Succeeded {
            requireNonNull(output, "output");
        }
    }

    /** It ended badly. {@code retryable} is false where another try could not go better, such as a missing script. */
    record Failed(String error, boolean retryable) implements AttemptOutcome {

        public Failed {
            requireNonNull(error, "error");
        }
    }

    /** It did what it could for now, and wants another attempt to be made after this time. */
    record Snoozed(Duration time) implements AttemptOutcome {

        public Snoozed {
            require(SnoozeRule.isFit(time), SnoozeRule.bounds() + ", was " + time);
        }
    }

    /** It was stopped because its time was over. */
    record TimedOut(Duration limit) implements AttemptOutcome {

        public TimedOut {
            requireNonNull(limit, "limit");
        }
    }

    /** It was stopped because someone asked for it. */
    record Cancelled() implements AttemptOutcome {}
}
