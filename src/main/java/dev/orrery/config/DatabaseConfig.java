package dev.orrery.config;

import java.time.Duration;

/**
 * Which PostgreSQL holds the truth.
 *
 * @param url for example {@code postgresql://db.example.org:5432/orrery?sslmode=verify-full}; empty: the embedded server
 * @param user the account, if the URL names none
 * @param password its password, if the URL holds none
 * @param poolSize how many connections answer the API; those that move work come on top
 * @param connectTimeout how long a starting node waits for the server to answer
 */
public record DatabaseConfig(String url, String user, String password, int poolSize, Duration connectTimeout) {

    public static final DatabaseConfig DEFAULT = new DatabaseConfig("", "", "", 8, Duration.ofSeconds(30));

    public DatabaseConfig {
        Settings.DATABASE_URL.check(url);
        Settings.DATABASE_USER.check(user);
        Settings.DATABASE_PASSWORD.check(password);
        Settings.DATABASE_POOL_SIZE.check(poolSize);
        Settings.DATABASE_CONNECT_TIMEOUT.check(connectTimeout);
    }

    /** Without passwords: configurations get into logs. */
    @Override
    public String toString() {
        return "DatabaseConfig[url=" + Secrets.withoutPasswords(url) + ", user=" + user + ", password="
                + Secrets.masked(password) + ", poolSize=" + poolSize + ", connectTimeout=" + connectTimeout + "]";
    }

    /** Whether the node brings its own server. */
    public boolean embedded() {
        return url.isBlank();
    }
}
