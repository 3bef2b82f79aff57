package dev.orrery.executor;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toUnmodifiableMap;

import dev.orrery.config.SecretSource;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.task.SecretReferences;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The secrets that tasks of this node may name. Each is read anew for every attempt that names it, so that it can be changed
 * while the node runs, and is kept nowhere but with that attempt.
 */
final class TaskSecrets {

    static final TaskSecrets NONE = new TaskSecrets(List.of());

    private static final int MAX_BYTES = 32 << 10;
    private static final System.Logger LOG = System.getLogger(TaskSecrets.class.getName());

    private final Map<String, SecretSource> byKey;

    TaskSecrets(List<SecretSource> sources) {
        this.byKey = sources.stream().collect(toUnmodifiableMap(SecretSource::key, source -> source));
    }

    /** Tells in the node's log which of them are not there now. */
    void complain() {
        byKey.values().forEach(source -> {
            try {
                read(source);
            } catch (CannotStart missing) {
                LOG.log(WARNING, "tasks that name a secret will fail secret=" + source.key() + ": " + missing.reason());
            }
        });
    }

    /** What an attempt of this tenant may put in the place of references. */
    Opened of(Tenant tenant) {
        return new Opened(tenant);
    }

    private SecretSource source(Tenant tenant, String field, String name) {
        var own = new SecretSource(tenant.name(), name, false, "").key();
        return Optional.ofNullable(byKey.get(own))
                .or(() -> Optional.ofNullable(byKey.get(SecretSource.EVERY_TENANT + "/" + name)))
                .orElseThrow(() -> new CannotStart(field + " names the secret '" + name
                        + "', which this node has not for the tenant '" + tenant.name() + "': add '" + own
                        + "=env:VARIABLE' or '" + own + "=file:/path' to tasks.secrets and start the node again"));
    }

    private static String read(SecretSource source) {
        var value = source.isFile() ? ofFile(source) : ofVariable(source);
        if (value.strip().length() < SecretForms.MIN_LENGTH) {
            throw new CannotStart("the secret '" + source.name() + "' has fewer than " + SecretForms.MIN_LENGTH
                    + " characters, too few to hide them in logs: take a longer one");
        }
        return value;
    }

    private static String ofVariable(SecretSource source) {
        return Optional.ofNullable(System.getenv(source.where()))
                .orElseThrow(() -> new CannotStart("the secret '" + source.name() + "' stands in the variable "
                        + source.where() + " by tasks.secrets, and the node was started without it"));
    }

    /** Without the line end that editors leave behind it. */
    private static String ofFile(SecretSource source) {
        byte[] bytes;
        try (var stream = Files.newInputStream(Path.of(source.where()))) {
            bytes = stream.readNBytes(MAX_BYTES + 1);
        } catch (IOException e) {
            throw new CannotStart("the secret '" + source.name() + "' stands in " + source.where()
                    + " by tasks.secrets, which the node cannot read: "
                    + e.getClass().getSimpleName());
        }
        if (bytes.length > MAX_BYTES) {
            throw new CannotStart("the secret '" + source.name() + "' in " + source.where() + " has more than "
                    + (MAX_BYTES >> 10) + " KiB");
        }
        try {
            var text = UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            var end = text.endsWith("\r\n") ? 2 : text.endsWith("\n") ? 1 : 0;
            return text.substring(0, text.length() - end);
        } catch (CharacterCodingException e) {
            throw new CannotStart("the secret '" + source.name() + "' in " + source.where() + " is no text in UTF-8");
        }
    }

    /** The secrets of one attempt: those that it has named so far. One thread at a time; it blocks where they are files. */
    final class Opened {

        private final Tenant tenant;
        private final Map<String, String> named = new HashMap<>();

        private Opened(Tenant tenant) {
            this.tenant = tenant;
        }

        /**
         * The text with the secrets that it names; throws {@link CannotStart} where one is not there.
         *
         * @param field where the text stands, for people
         */
        String filled(String field, String text) {
            return filled(field, text, UnaryOperator.identity());
        }

        /** The same, within the strings of a JSON text. */
        String filledJson(String field, String text) {
            return filled(field, text, SecretForms::inJson);
        }

        /** What hides the secrets named so far, and this token. */
        SecretMask mask(String token) {
            var all = new LinkedHashSet<String>();
            all.add(token);
            named.values().forEach(secret -> all.addAll(SecretForms.of(secret)));
            return new SecretMask(all);
        }

        private String filled(String field, String text, UnaryOperator<String> form) {
            return SecretReferences.replaced(
                    text,
                    name -> form.apply(named.computeIfAbsent(name, sought -> read(source(tenant, field, sought)))));
        }
    }
}
