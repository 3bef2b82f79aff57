package dev.orrery.config;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

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
        requireNonNull(url, "url");
        requireNonNull(user, "user");
        requireNonNull(password, "password");
        require(poolSize >= 1 && poolSize <= 500, "database.pool-size must be 1..500, was " + poolSize);
        require(
                connectTimeout.isPositive() && connectTimeout.compareTo(Duration.ofHours(1)) <= 0,
                "database.connect-timeout must be over 0 and at most 1 h, was " + connectTimeout);
    }

    /** Whether the node brings its own server. */
    public boolean embedded() {
        return url.isBlank();
    }
}
