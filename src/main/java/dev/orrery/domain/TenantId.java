package dev.orrery.domain;

/** Whose data it is. Every row belongs to a tenant and every query names one. */
public record TenantId(int value) {

    /** Exists from the first migration on, and is meant where nobody names a tenant. */
    public static final TenantId DEFAULT = new TenantId(1);
}
