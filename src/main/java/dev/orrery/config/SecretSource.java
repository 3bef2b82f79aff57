package dev.orrery.config;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Tenant;
import dev.orrery.domain.task.SecretReferences;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where the node finds a secret that tasks may name.
 *
 * @param tenant whose tasks may name it; {@code *} for those of all tenants
 * @param isFile whether {@code where} is a file, else it is a variable of the node's environment
 */
public record SecretSource(String tenant, String name, boolean isFile, String where) {

    public static final String EVERY_TENANT = "*";

    /** For people: how one is written. */
    static final String FORM =
            "NAME=env:VARIABLE or NAME=file:/path, with TENANT/ before the name for another tenant than"
                    + " 'default' and */ for all; the node's own ORRERY_ variables are no secrets for tasks";

    private static final Pattern WRITTEN = Pattern.compile("(?:(?<tenant>\\*|" + Tenant.NAME_FORM + ")/)?(?<name>"
            + SecretReferences.NAME + ")=(?:env:(?!ORRERY_)(?<variable>[A-Za-z_][A-Za-z0-9_]{0,254})"
            + "|file:(?<file>/\\P{Cntrl}{1,4095}))");

    public SecretSource {
        requireNonNull(tenant, "tenant");
        requireNonNull(name, "name");
        requireNonNull(where, "where");
    }

    /** What a text of the configuration means; nothing where it is none. */
    public static Optional<SecretSource> parse(String text) {
        var parts = WRITTEN.matcher(text);
        if (!parts.matches()) {
            return Optional.empty();
        }
        var tenant = Optional.ofNullable(parts.group("tenant")).orElse(Tenant.DEFAULT.name());
        var file = Optional.ofNullable(parts.group("file"));
        return Optional.of(new SecretSource(
                tenant, parts.group("name"), file.isPresent(), file.orElseGet(() -> parts.group("variable"))));
    }

    /** Tenant and name, as they are written. */
    public String key() {
        return key(tenant, name);
    }

    static String key(String tenant, String name) {
        return tenant.equals(Tenant.DEFAULT.name()) ? name : tenant + "/" + name;
    }
}
