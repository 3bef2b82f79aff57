package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import java.time.Duration;
import java.util.Optional;

/** What one attempt did, as told by the worker that held it. */
public sealed interface AttemptOutcome {

    /** It did its work; {@code output} is JSON null where it has nothing to say. */
    record Succeeded(Json output) implements AttemptOutcome {

        public Succeeded {
            requireNonNull(output, "output");
        }
    }

    /**
     * It ended badly.
     *
     * @param retryable whether another try is usually made: false where it could not go better, such as a missing script
     * @param retryAfter how long a server wants to be left alone
     */
    record Failed(String error, boolean retryable, FailureKind kind, Optional<Duration> retryAfter)
            implements AttemptOutcome {

        public Failed {
            requireNonNull(error, "error");
            requireNonNull(kind, "kind");
            requireNonNull(retryAfter, "retryAfter");
        }

        public Failed(String error, boolean retryable, FailureKind kind) {
            this(error, retryable, kind, Optional.empty());
        }

        /** A failure that has no name of its own. */
        public Failed(String error, boolean retryable) {
            this(error, retryable, FailureKind.NamedError.OTHER);
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

    /**
     * The time of all attempts together was over.
     *
     * @param hasBegun false where it was over before this attempt could begin
     */
    record TotalTimedOut(Duration total, boolean hasBegun) implements AttemptOutcome {

        public TotalTimedOut {
            requireNonNull(total, "total");
        }
    }

    /** It was stopped because someone asked for it. */
    record Cancelled() implements AttemptOutcome {}
}
