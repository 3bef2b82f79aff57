package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.regex.Pattern;

/**
 * One of those who share an installation, each with data of its own.
 *
 * @param name as people call it: 1 to 64 letters, digits and {@code _ . -}, the first a letter or digit; it never changes, and is free
 *     again when the tenant is deleted
 */
public record Tenant(TenantId id, String name) {

    public static final Pattern NAME_FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");

    /** The one that is meant where nobody names any; it cannot be deleted. */
    public static final Tenant DEFAULT = new Tenant(TenantId.DEFAULT, "default");

    public Tenant {
        requireNonNull(id, "id");
        if (!NAME_FORM.matcher(name).matches()) {
            throw new IllegalArgumentException("not a tenant's name: '" + name + "'");
        }
    }
}
