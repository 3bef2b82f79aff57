package dev.orrery.api;

import static io.vertx.core.http.HttpMethod.GET;
import static io.vertx.core.http.HttpMethod.HEAD;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.task.TaskTokens.Claimed;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.openapi.router.RouterBuilder;
import io.vertx.openapi.contract.Operation;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Makes the routes: those of the contract, and the plain ones beside it. One for each event loop that serves. */
final class ApiRouter {

    /** Beyond this many bytes an answer counts against what the node holds at once. */
    private static final int LARGE_ANSWER = 64 << 10;

    /** How many large bodies are parsed at once: while it is parsed, one can take twenty times its size. */
    private static final int PARSERS = 2;

    private final Vertx vertx;
    private final ApiParts parts;
    private final WorkerExecutor parsers;
    private final Set<StreamTarget> streams = new HashSet<>();

    /** Throws IllegalStateException where contract and operations do not name the same. */
    ApiRouter(Vertx vertx, ApiParts parts) {
        this.vertx = vertx;
        this.parts = parts;
        this.parsers = vertx.createSharedWorkerExecutor("bodies", PARSERS);
        requireSameNames(parts);
    }

    private static void requireSameNames(ApiParts parts) {
        var promised = parts.contract().resolved().operations().stream()
                .map(Operation::getOperationId)
                .collect(Collectors.toCollection(TreeSet::new));
        var kept = new TreeSet<>(parts.operations().keySet());
        var unkept = new TreeSet<>(promised);
        unkept.removeAll(kept);
        kept.removeAll(promised);
        if (!unkept.isEmpty() || !kept.isEmpty()) {
            throw new IllegalStateException(
                    "openapi.yaml and the handlers disagree: without handler " + unkept + ", without contract " + kept);
        }
    }

    Router create(Connections connections) {
        var router = Router.router(vertx);
        router.route().handler(connections).failureHandler(Failures::answer);
        router.route().handler(new RequestLog(parts.metrics(), parts.tracing(), parts.contract()::operationOf));
        router.route().handler(new Gate(parts.http(), parts.tasks(), parts.admission()));
        parts.pages().forEach((path, page) -> addPage(router, path, page));
        router.route(Contract.BASE_PATH + "/*").subRouter(operations());
        answerErrors(router);
        return router;
    }

    private void addPage(Router router, String path, Page page) {
        router.route(path).handler(context -> {
            context.put(RequestLog.OPERATION, page.name());
            if (!Set.of(GET, HEAD).contains(context.request().method())) {
                refuseMethod(context, "GET, HEAD");
            } else {
                answer(context, page.answer().get());
            }
        });
    }

    private Router operations() {
        var builder = RouterBuilder.create(vertx, parts.contract().resolved());
        builder.rootHandler(new BodyReader(parts.limits().body(), parts.admission()));
        for (var operation : parts.contract().resolved().operations()) {
            requireNonNull(builder.getRoute(operation.getOperationId()))
                    .setDoValidation(false)
                    .setDoSecurity(false)
                    .addHandler(answering(operation))
                    .addFailureHandler(Failures::answer);
        }
        var router = builder.createRouter();
        router.getRoutes().stream()
                .filter(route -> route.methods() != null && route.methods().contains(GET))
                .forEach(route -> route.method(HEAD));
        refuseOtherMethods(router);
        answerErrors(router);
        return router;
    }

    private Handler<RoutingContext> answering(Operation operation) {
        var id = operation.getOperationId();
        var answering = requireNonNull(parts.operations().get(id));
        var isIntake = Intake.isBy(id);
        var check = new RequestCheck(
                operation, parsers, parts.tenants(), answering instanceof dev.orrery.api.Operation.Reading);
        return context -> {
            context.put(RequestLog.OPERATION, id);
            var refusal = isIntake ? parts.refusal().get() : Optional.<String>empty();
            if (refusal.isPresent()) {
                throw new OrreryException(ErrorCode.STORAGE_FULL, refusal.get());
            }
            Claimed claimed = context.get(Gate.TASK);
            var request = claimed == null
                    ? check.check(context, BodyReader.bodyOf(context))
                    : ofTask(context, claimed, id, check);
            answer(context, request.compose(checked -> answer(context, answering, checked)));
        };
    }

    /** What a running task asks for, where that is its own. */
    private Future<ApiRequest> ofTask(RoutingContext context, Claimed claimed, String operationId, RequestCheck check) {
        var body = BodyReader.bodyOf(context);
        return parts.tasks()
                .orElseThrow()
                .enter(claimed)
                .compose(asking -> TaskScope.isOpen(operationId)
                        ? check.check(context, body, Optional.of(asking))
                                .compose(request -> TaskScope.narrowed(operationId, request, asking))
                        : Future.failedFuture(asking.refused("'" + operationId + "' is not for tasks")));
    }

    private static Future<Answer> answer(
            RoutingContext context, dev.orrery.api.Operation operation, ApiRequest request) {
        if (!(operation instanceof dev.orrery.api.Operation.Waiting waiting)) {
            return operation.answer(request);
        }
        context.<Runnable>get(Gate.LEAVE).run();
        Promise<Void> gone = Promise.promise();
        context.addEndHandler(_ -> gone.tryComplete());
        return waiting.answer(request, gone.future());
    }

    /** A path that the contract knows, asked with a method that it does not. */
    private void refuseOtherMethods(Router router) {
        for (var path : parts.contract().resolved().getPaths()) {
            var methods = path.getOperations().stream()
                    .map(Operation::getHttpMethod)
                    .map(HttpMethod::name)
                    .collect(Collectors.toCollection(TreeSet::new));
            if (methods.contains(GET.name())) {
                methods.add(HEAD.name());
            }
            var allowed = String.join(", ", methods);
            router.route(path.getName().replaceAll("\\{(.*?)}", ":$1"))
                    .handler(context -> refuseMethod(context, allowed));
        }
    }

    private static void refuseMethod(RoutingContext context, String allowed) {
        context.response().putHeader(HttpHeaders.ALLOW, allowed);
        context.fail(new OrreryException(
                ErrorCode.METHOD_NOT_ALLOWED,
                "the path takes " + allowed + ", not " + context.request().method()));
    }

    private static void answerErrors(Router router) {
        for (var status : new int[] {400, 404, 405, 500}) {
            router.errorHandler(status, context -> {
                if (context.failed()) {
                    Failures.answer(context);
                } else {
                    context.fail(status);
                }
            });
        }
    }

    private void answer(RoutingContext context, Future<Answer> answer) {
        Loop.current(vertx)
                .bring(answer, parts.limits().answer(), ApiRouter::forget)
                .onSuccess(known -> send(context, known))
                .onFailure(context::fail);
    }

    private void send(RoutingContext context, Answer answer) {
        if (context.response().closed() || context.response().ended()) {
            forget(answer);
            return;
        }
        switch (answer) {
            case Answer.Whole whole -> send(context, whole);
            case Answer.Empty empty -> Responses.send(context.request(), empty);
            case Answer.Stream stream -> open(context, stream);
        }
    }

    /** Nobody hears it any more. */
    private static void forget(Answer answer) {
        if (answer instanceof Answer.Stream stream) {
            stream.body().close();
        }
    }

    /** A reader may be slow, and a large answer waits for it: what is only read can as well be asked for again. */
    private void send(RoutingContext context, Answer.Whole answer) {
        var bytes = answer.body().length();
        if (bytes < LARGE_ANSWER
                || !Set.of(GET, HEAD).contains(context.request().method())) {
            Responses.send(context.request(), answer);
        } else if (parts.admission().enterBytes(bytes)) {
            Responses.send(context.request(), answer)
                    .onComplete(_ -> parts.admission().leaveBytes(bytes));
        } else {
            context.fail(new OrreryException(
                    ErrorCode.OVERLOADED, "as many bytes wait for their readers as this node admits"));
        }
    }

    private void open(RoutingContext context, Answer.Stream stream) {
        var admitted =
                context.request().method().equals(HEAD) || parts.admission().enterStream();
        if (!admitted) {
            stream.body().close();
            context.fail(new OrreryException(ErrorCode.OVERLOADED, "more streams are open than this node admits"));
            return;
        }
        var response = context.response();
        response.setStatusCode(stream.status()).putHeader(HttpHeaders.CONTENT_TYPE, stream.contentType());
        stream.headers().forEach(response::putHeader);
        if (context.request().method().equals(HEAD)) {
            stream.body().close();
            response.end();
            return;
        }
        write(context, stream);
    }

    private void write(RoutingContext context, Answer.Stream stream) {
        var target = new StreamTarget(context, parts.limits());
        streams.add(target);
        context.<Runnable>get(Gate.LEAVE).run();
        target.over().onComplete(_ -> {
            streams.remove(target);
            parts.admission().leaveStream();
            stream.body().close();
        });
        context.response().setChunked(true);
        stream.body().writeTo(target).onFailure(failure -> {
            target.giveUp();
            context.fail(failure);
        });
    }

    /** Ends the streams, so that their readers go on at another node. */
    void endStreams() {
        Set.copyOf(streams).forEach(StreamTarget::end);
    }
}
