package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.task.TaskTokens;
import dev.orrery.domain.task.TaskTokens.Claimed;
import dev.orrery.store.TaskAccessRepository;
import io.vertx.core.Future;

/**
 * Lets running tasks in by their tokens. Each time the database is asked whether the attempt still runs, so a token is worth
 * nothing any more once it has ended, was asked to end, or was lost. From any thread.
 */
public final class TaskAccess {

    private final TaskTokens tokens;
    private final TaskAccessRepository repository;

    public TaskAccess(TaskTokens tokens, TaskAccessRepository repository) {
        this.tokens = requireNonNull(tokens, "tokens");
        this.repository = requireNonNull(repository, "repository");
    }

    /** One that signs by the secret of the database. */
    public static Future<TaskAccess> open(TaskAccessRepository repository) {
        return repository.secret().map(secret -> new TaskAccess(new TaskTokens(secret), repository));
    }

    public TaskTokens tokens() {
        return tokens;
    }

    /** What a token claims to be of; throws {@code UNAUTHORIZED} where it is forged. */
    public Claimed read(String token) {
        return tokens.read(token)
                .orElseThrow(() -> new OrreryException(
                        ErrorCode.UNAUTHORIZED,
                        "this token of a running task was not made by a node of this database"));
    }

    /** The task that asks; fails with {@code UNAUTHORIZED} where its attempt does not run any more. */
    public Future<AskingTask> enter(Claimed claimed) {
        return repository
                .holder(claimed.task(), claimed.fence())
                .map(
                        tenant -> tenant.map(owner -> new AskingTask(claimed.task(), owner, repository))
                                .orElseThrow(
                                        () -> new OrreryException(
                                                ErrorCode.UNAUTHORIZED,
                                                "the token of task " + claimed.task()
                                                        + " is over: the attempt that was given it has ended, was told to end, or was lost")));
    }
}
