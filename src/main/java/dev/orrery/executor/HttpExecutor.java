package dev.orrery.executor;

import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.net.CallRules;
import dev.orrery.domain.task.SecretReferences;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.PoolOptions;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * Runs http tasks. It speaks through the client beneath Vert.x's WebClient, since an attempt must be abortable at any
 * moment and its body counted while it comes.
 */
final class HttpExecutor implements TaskExecutor {

    static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    private static final int MAX_CONNECTIONS_PER_HOST = 256;
    private static final int MAX_WAITING = 1_000;
    private static final int MAX_HEADER_BYTES = 64 << 10;

    private final Vertx vertx;
    private final Supplier<String> apiUrl;
    private final AddressLookup lookup;
    private final AddressGate gate;
    private final TaskSecrets secrets;
    private final HttpClientAgent client;

    HttpExecutor(Vertx vertx, Supplier<String> apiUrl, CallRules rules) {
        this(vertx, apiUrl, rules, TaskSecrets.NONE);
    }

    HttpExecutor(Vertx vertx, Supplier<String> apiUrl, CallRules rules, TaskSecrets secrets) {
        this(vertx, apiUrl, rules, new SystemLookup(vertx), new HttpClientOptions(), secrets);
    }

    /**
     * @param lookup finds the addresses of hosts
     * @param options what differs from the usual, such as the certificates trusted
     */
    HttpExecutor(
            Vertx vertx, Supplier<String> apiUrl, CallRules rules, AddressLookup lookup, HttpClientOptions options) {
        this(vertx, apiUrl, rules, lookup, options, TaskSecrets.NONE);
    }

    private HttpExecutor(
            Vertx vertx,
            Supplier<String> apiUrl,
            CallRules rules,
            AddressLookup lookup,
            HttpClientOptions options,
            TaskSecrets secrets) {
        this.vertx = vertx;
        this.apiUrl = apiUrl;
        this.lookup = lookup;
        this.secrets = secrets;
        this.gate = new AddressGate(rules, lookup, apiUrl);
        // A connection for each request: one that its server has just closed would fail a task for nothing.
        this.client = vertx.httpClientBuilder()
                .with(options.setConnectTimeout((int) CONNECT_TIMEOUT.toMillis())
                        .setKeepAlive(false)
                        .setDecompressionSupported(true)
                        .setMaxHeaderSize(MAX_HEADER_BYTES))
                .with(new PoolOptions()
                        .setHttp1MaxSize(MAX_CONNECTIONS_PER_HOST)
                        .setMaxWaitQueueSize(MAX_WAITING))
                .build();
    }

    @Override
    public Execution start(TaskContext context, AttemptLog log) {
        var execution = new HttpExecution(client, gate, vertx.getOrCreateContext(), log);
        var task = (TaskType.Http) context.task().type();
        if (!namesSecrets(task)) {
            begin(execution, task, context);
        } else {
            // Secrets may be files, and those block.
            vertx.executeBlocking(
                    () -> {
                        begin(execution, task, context);
                        return execution;
                    },
                    false);
        }
        return execution;
    }

    private void begin(HttpExecution execution, TaskType.Http task, TaskContext context) {
        try {
            var opened = secrets.of(context.tenant());
            var call = HttpCall.of(task, context, apiUrl.get(), opened);
            execution.begin(call, opened.mask(""));
        } catch (CannotStart wrong) {
            execution.refuse(wrong);
        }
    }

    private static boolean namesSecrets(TaskType.Http task) {
        return task.headers().values().stream().anyMatch(SecretReferences::standIn)
                || task.body()
                        .filter(body -> SecretReferences.standIn(body.text()))
                        .isPresent();
    }

    Future<Void> close() {
        return client.close().eventually(lookup::close);
    }
}
