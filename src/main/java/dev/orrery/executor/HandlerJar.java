package dev.orrery.executor;

import dev.orrery.handler.HandlerVerticle;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The classes of one jar, and of those that its manifest names in {@code Class-Path}. It uses its own before those of the
 * node, but for what both must share: Java, Vert.x with what it is made of, and the API of handlers. The rest of Orrery it
 * does not see.
 */
final class HandlerJar extends URLClassLoader {

    private static final String API = HandlerVerticle.class.getPackageName() + ".";
    private static final String OURS = "dev.orrery.";
    private static final List<String> SHARED =
            List.of("java.", "javax.", "jdk.", "io.vertx.", "io.netty.", "org.jspecify.", API);

    static {
        registerAsParallelCapable();
    }

    HandlerJar(Path file) throws IOException {
        super(String.valueOf(file.getFileName()), new URL[] {file.toUri().toURL()}, HandlerJar.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (SHARED.stream().anyMatch(name::startsWith)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            var loaded = findLoadedClass(name);
            var type = loaded != null ? loaded : ownOrParents(name);
            if (resolve) {
                resolveClass(type);
            }
            return type;
        }
    }

    private Class<?> ownOrParents(String name) throws ClassNotFoundException {
        try {
            return findClass(name);
        } catch (ClassNotFoundException notOurs) {
            if (name.startsWith(OURS)) {
                throw new ClassNotFoundException(name + " is not for handlers, which see " + API + "* alone", notOurs);
            }
            return getParent().loadClass(name);
        }
    }

    @Override
    public @Nullable URL getResource(String name) {
        var own = findResource(name);
        return own != null ? own : getParent().getResource(name);
    }

    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
        var all = new ArrayList<>(Collections.list(findResources(name)));
        all.addAll(Collections.list(getParent().getResources(name)));
        return Collections.enumeration(all);
    }
}
