package dev.orrery.domain.audit;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import java.util.Optional;

/**
 * Who asks, by what the request proved.
 *
 * @param proof what it came with
 * @param of whose that is: a task's id, a webhook's name; absent for a token that many may share, and where there is none
 * @param name who the request says that it is, 1 to 100 characters; nobody proved that
 */
public record Actor(Proof proof, Optional<String> of, Optional<String> name) {

    public static final int NAME_MAX = 100;

    /** What a request proved itself by. */
    public enum Proof {
        /** The token of the node. */
        TOKEN("token"),
        /** The token of a running task. */
        TASK("task"),
        /** The signature of a webhook. */
        WEBHOOK("webhook"),
        /** Nothing: the node has no token. */
        NONE("anonymous");

        private final String wireName;

        Proof(String wireName) {
            this.wireName = wireName;
        }
    }

    public Actor {
        requireNonNull(proof, "proof");
        requireNonNull(of, "of");
        require(
                name.isEmpty() || (!name.get().isEmpty() && name.get().length() <= NAME_MAX),
                "an actor's name has 1..100 characters, was " + name);
    }

    /** As it is stored and shown, for example {@code token} or {@code task:0197…}. */
    public String text() {
        return of.map(id -> proof.wireName + ":" + id).orElse(proof.wireName);
    }
}
