package dev.orrery.executor;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Bus;
import dev.orrery.config.ConfigException;
import dev.orrery.executor.HandlerCalls.Entry;
import dev.orrery.handler.HandlerVerticle;
import dev.orrery.telemetry.BlockedThreads;
import io.vertx.core.Context;
import io.vertx.core.Deployable;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The handlers of a folder of jars. Each jar has a class loader of its own. Their verticles run in a Vert.x beside the
 * node's, so that one that blocks its event loop harms its like alone, and sees no address of ours.
 */
public final class HandlerJars {

    /** How long a verticle may take to be made and started. */
    public static final Duration START_LIMIT = Duration.ofSeconds(30);

    /** How long the verticles may take to stop. */
    public static final Duration STOP_LIMIT = Duration.ofSeconds(10);

    private static final System.Logger LOG = System.getLogger(HandlerJars.class.getName());
    private static final String SERVICE = "META-INF/services/" + HandlerVerticle.class.getName();
    private static final int EVENT_LOOPS = 2;
    private static final int TOLD_LIMIT = 500;

    private final Vertx vertx =
            Vertx.vertx(new VertxOptions().setEventLoopPoolSize(EVENT_LOOPS).setUseDaemonThread(true));
    private final List<HandlerJar> jars = new ArrayList<>();
    private final Map<String, Owned> handlers = new LinkedHashMap<>();
    private volatile Optional<HandlerCalls> calls = Optional.empty();

    /** A handler and the jar it came in. */
    private record Owned(Path jar, Entry entry) {}

    private HandlerJars() {
        BlockedThreads.tell(
                vertx, thread -> calls.map(known -> known.workOf(thread)).orElse(""));
    }

    /**
     * Loads all jars of a folder and starts their verticles. Blocks.
     *
     * @throws ConfigException with the jar that is wrong, what is, and the cure; everything that was loaded is closed again
     */
    public static HandlerJars load(Path folder, Duration startLimit) {
        var files = jarsOf(folder);
        var loaded = new HandlerJars();
        try {
            files.forEach(file -> loaded.add(file, startLimit));
            return loaded;
        } catch (RuntimeException e) {
            loaded.close();
            throw e;
        }
    }

    private static List<Path> jarsOf(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw ConfigException.of(
                    "handlers.dir",
                    "names " + folder + ", which is no folder",
                    "create it and put jars with handlers into it, or correct handlers.dir (--handlers)");
        }
        try (var files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().endsWith(".jar"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw ConfigException.of(
                    "handlers.dir",
                    "names " + folder + ", which cannot be read (" + e + ")",
                    "let the node's user read it");
        }
    }

    private void add(Path file, Duration startLimit) {
        var jar = opened(file);
        jars.add(jar);
        var verticles = verticlesOf(file, jar);
        for (var verticle : verticles) {
            var started = start(file, jar, verticle, startLimit);
            started.forEach(entry -> add(file, entry));
        }
        LOG.log(
                INFO,
                "loaded handlers of a jar: jar=" + file + " handlers="
                        + handlers.values().stream()
                                .filter(owned -> owned.jar().equals(file))
                                .map(owned -> owned.entry().name())
                                .collect(Collectors.joining(",")));
    }

    private static HandlerJar opened(Path file) {
        try (var readable = new JarFile(file.toFile())) {
            LOG.log(DEBUG, "opened a jar of handlers: jar={0} entries={1}", file, readable.size());
            return new HandlerJar(file);
        } catch (IOException e) {
            throw ConfigException.of(
                    file.toString(),
                    "cannot be read as a jar (" + e.getMessage() + ")",
                    "build it again, let the node's user read it, or take it out of the folder");
        }
    }

    private static List<ServiceLoader.Provider<HandlerVerticle>> verticlesOf(Path file, HandlerJar jar) {
        if (jar.findResource(SERVICE) == null) {
            throw ConfigException.of(
                    file.toString(),
                    "has no " + SERVICE,
                    "write the full names of its classes that extend HandlerVerticle into that file, one a line; a jar that"
                            + " is only a library belongs into another folder, named by Class-Path in the manifest of"
                            + " the jar that needs it");
        }
        try {
            var found = ServiceLoader.load(HandlerVerticle.class, jar).stream().toList();
            if (found.isEmpty()) {
                throw ConfigException.of(
                        file.toString(),
                        "names no class of its own in " + SERVICE,
                        "write the full names of its classes that extend HandlerVerticle into that file, one a line");
            }
            return found;
        } catch (ServiceConfigurationError | LinkageError e) {
            throw ConfigException.of(
                    file.toString(), "names a class that cannot be loaded: " + told(e), "correct its " + SERVICE);
        }
    }

    private List<Entry> start(
            Path file, HandlerJar jar, ServiceLoader.Provider<HandlerVerticle> provider, Duration limit) {
        var deployed = new Deployed(provider);
        var name = provider.type().getName();
        try {
            vertx.deployVerticle(deployed, new DeploymentOptions().setClassLoader(jar))
                    .await(limit.toMillis(), TimeUnit.MILLISECONDS);
            return deployed.entries(jar);
        } catch (TimeoutException e) {
            throw ConfigException.of(
                    file.toString(),
                    "has not started " + name + " within " + limit.toSeconds() + " s",
                    "let its constructor and start() not wait without end, and not block, for what they need");
        } catch (Throwable e) { // strangers may throw anything
            LOG.log(DEBUG, "a verticle with handlers does not start", e);
            throw ConfigException.of(
                    file.toString(),
                    "cannot start " + name + ": " + told(e),
                    "mend it, or take the jar out of the folder; --set log.level=DEBUG shows where it comes from");
        }
    }

    /** In one line, whatever strangers wrote. */
    private static String told(Throwable failure) {
        var cause = Optional.of(failure)
                .filter(ServiceConfigurationError.class::isInstance)
                .map(Throwable::getCause)
                .orElse(failure);
        var text = cause instanceof ServiceConfigurationError ? String.valueOf(cause.getMessage()) : cause.toString();
        var line = text.replaceAll("\\R", " ");
        return line.length() <= TOLD_LIMIT ? line : line.substring(0, TOLD_LIMIT) + "…";
    }

    private void add(Path file, Entry entry) {
        var name = entry.name();
        if (BuiltInHandlers.NAMES.contains(name)) {
            throw ConfigException.of(
                    file.toString(),
                    "registers handler '" + name + "', which is built in",
                    "give it another name; built in are " + String.join(", ", BuiltInHandlers.NAMES));
        }
        var other = handlers.putIfAbsent(name, new Owned(file, entry));
        if (other != null) {
            throw ConfigException.of(
                    file.toString(),
                    "registers handler '" + name + "', which " + other.jar() + " registers too",
                    "give one of them another name, or take one jar out of the folder");
        }
    }

    /** What can be called, and from which jar it is, in a sentence for people. */
    public String description() {
        var names = new LinkedHashMap<Path, List<String>>();
        handlers.forEach((name, owned) ->
                names.computeIfAbsent(owned.jar(), _ -> new ArrayList<>()).add(name));
        return names.isEmpty()
                ? "handlers: none, for their folder holds no jar"
                : "handlers: "
                        + names.entrySet().stream()
                                .map(jar -> String.join(", ", jar.getValue()) + " ("
                                        + jar.getKey().getFileName() + ")")
                                .collect(Collectors.joining("; "));
    }

    /** From now on they can be called, on the node's bus and by other nodes. */
    public void answer(Vertx node, Bus bus, CallAccess access) {
        calls = Optional.of(new HandlerCalls(
                node, bus, access, handlers.values().stream().map(Owned::entry).toList()));
    }

    /** Other nodes are to call them no more; calls under way go on. */
    public void withdraw() {
        calls.ifPresent(HandlerCalls::withdraw);
    }

    /** Takes no more calls, and ends those under way with some patience. Blocks. */
    public void endCalls(Duration patience) {
        calls.ifPresent(answering -> answering.close(patience));
    }

    /** Stops the verticles and closes the jars. Blocks. */
    public void close() {
        try {
            vertx.close().await(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            LOG.log(WARNING, "verticles with handlers do not stop, going on: limit={0}", STOP_LIMIT);
        } catch (RuntimeException e) {
            LOG.log(WARNING, "a verticle with handlers did not stop well", e);
        }
        jars.forEach(HandlerJars::close);
    }

    private static void close(HandlerJar jar) {
        try {
            jar.close();
        } catch (IOException e) {
            LOG.log(DEBUG, "a jar of handlers is not closed", e);
        }
    }

    /** Makes a verticle in the context in which it will run. */
    private static final class Deployed implements Deployable {

        private final ServiceLoader.Provider<HandlerVerticle> provider;
        private volatile @Nullable HandlerVerticle verticle;
        private volatile @Nullable Context context;

        Deployed(ServiceLoader.Provider<HandlerVerticle> provider) {
            this.provider = provider;
        }

        @Override
        public Future<?> deploy(Context own) throws Exception {
            context = own;
            var made = provider.get();
            verticle = made;
            return made.deploy(own);
        }

        @Override
        public Future<?> undeploy(Context own) throws Exception {
            var made = verticle;
            return made == null ? Future.succeededFuture() : made.undeploy(own);
        }

        List<Entry> entries(ClassLoader classes) {
            var made = java.util.Objects.requireNonNull(verticle, "deployed");
            var own = java.util.Objects.requireNonNull(context, "deployed");
            var registrations = made.registrations();
            if (registrations.isEmpty()) {
                throw new IllegalStateException("it registers no handler");
            }
            return registrations.entrySet().stream()
                    .map(one -> new Entry(one.getKey(), one.getValue(), own, classes))
                    .toList();
        }
    }
}
