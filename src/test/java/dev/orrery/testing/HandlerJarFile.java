package dev.orrery.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Makes jars with handlers as a user does: compiled against what a node offers, and packed. */
public final class HandlerJarFile {

    private static final String SERVICE = "META-INF/services/dev.orrery.handler.HandlerVerticle";
    private static final String IMPORTS = """
            import dev.orrery.handler.*;
            import io.vertx.core.*;
            import io.vertx.core.json.*;
            import java.util.*;
            """;

    private final Map<String, String> sources = new LinkedHashMap<>();
    private final Map<String, String> files = new LinkedHashMap<>();

    /** A jar with one verticle whose constructor has this body. */
    public static HandlerJarFile registering(String name, String body) {
        return new HandlerJarFile()
                .source(
                        name,
                        "public class " + name + " extends HandlerVerticle { public " + name + "() {" + body + "} }")
                .file(SERVICE, name);
    }

    /** Adds a class of the unnamed package, or of the one that {@code type} names; the API is imported. */
    public HandlerJarFile source(String type, String text) {
        var point = type.lastIndexOf('.');
        sources.put(type, (point < 0 ? "" : "package " + type.substring(0, point) + ";\n") + IMPORTS + text);
        return this;
    }

    public HandlerJarFile file(String path, String text) {
        files.put(path, text);
        return this;
    }

    public HandlerJarFile service(String text) {
        return file(SERVICE, text);
    }

    public Path writeTo(Path jar) throws IOException {
        var classes = Files.createTempDirectory(jar.toAbsolutePath().getParent(), "classes");
        compile(classes);
        try (var out = new JarOutputStream(Files.newOutputStream(jar));
                var compiled = Files.walk(classes)) {
            for (var file : compiled.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(new JarEntry(classes.relativize(file).toString()));
                Files.copy(file, out);
            }
            for (var file : files.entrySet()) {
                out.putNextEntry(new JarEntry(file.getKey()));
                out.write(file.getValue().getBytes(UTF_8));
            }
        }
        return jar;
    }

    private void compile(Path classes) {
        var said = new StringWriter();
        List<JavaFileObject> units = sources.entrySet().stream()
                .<JavaFileObject>map(source -> new Source(source.getKey(), source.getValue()))
                .toList();
        var options = List.of("-d", classes.toString(), "-proc:none", "-cp", System.getProperty("java.class.path"));
        if (!units.isEmpty()
                && !ToolProvider.getSystemJavaCompiler()
                        .getTask(said, null, null, options, null, units)
                        .call()) {
            throw new AssertionError(said.toString());
        }
    }

    private static final class Source extends SimpleJavaFileObject {

        private final String text;

        Source(String type, String text) {
            super(URI.create("string:///" + type.replace('.', '/') + ".java"), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
