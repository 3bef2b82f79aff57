package dev.orrery.store;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.domain.StartupException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where a database is and how to log in, as {@code database.url} says it: {@code postgresql://user:pass@host:5432/name},
 * also with {@code jdbc:} before it. It can carry the parameters of encryption ({@link #PARAMETERS}), with libpq's meanings.
 */
record DatabaseUrl(
        String host,
        int port,
        String database,
        String user,
        String password,
        String sslMode,
        Optional<String> rootCert) {

    private static final String FORM = "it must look like postgresql://user:password@host:5432/database";
    private static final int PORT = 5432;
    private static final List<String> SSL_MODES =
            List.of("disable", "allow", "prefer", "require", "verify-ca", "verify-full");
    private static final List<String> PARAMETERS = List.of("sslmode", "sslrootcert", "user", "password");

    /** @throws StartupException that says what is wrong and never shows the password */
    static DatabaseUrl parse(DatabaseConfig config) {
        var uri = uri(config.url().strip());
        var host = host(uri);
        var database = database(uri);
        var parameters = parameters(uri);
        var login = Optional.ofNullable(uri.getRawUserInfo()).orElse("").split(":", 2);
        var user = first(decode(login[0]), parameters.getOrDefault("user", ""), config.user());
        if (user.isEmpty()) {
            throw new StartupException(
                    "database.url names no user: put it before the host (user@host) or set" + " database.user");
        }
        var password = first(
                login.length > 1 ? decode(login[1]) : "", parameters.getOrDefault("password", ""), config.password());
        var sslMode = parameters.getOrDefault("sslmode", "prefer");
        if (!SSL_MODES.contains(sslMode)) {
            throw new StartupException(
                    "sslmode in database.url is '" + sslMode + "': it must be one of " + String.join(", ", SSL_MODES));
        }
        return new DatabaseUrl(
                host,
                uri.getPort() < 0 ? PORT : uri.getPort(),
                database,
                user,
                password,
                sslMode,
                Optional.ofNullable(parameters.get("sslrootcert")));
    }

    /** For messages: host, port and database, without credentials. */
    String place() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port + "/" + database;
    }

    String jdbcUrl() {
        var query = new StringBuilder("sslmode=" + sslMode);
        rootCert.ifPresent(file -> query.append("&sslrootcert=").append(encode(file)));
        if (rootCert.isEmpty() && sslMode.startsWith("verify")) {
            query.append("&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory"); // what the JVM trusts
        }
        return "jdbc:postgresql://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port + "/"
                + encode(database) + "?" + query;
    }

    private static URI uri(String url) {
        var bare = url.startsWith("jdbc:") ? url.substring("jdbc:".length()) : url;
        if (!bare.startsWith("postgresql://") && !bare.startsWith("postgres://")) {
            throw new StartupException("database.url is not the URL of a PostgreSQL database: " + FORM);
        }
        try {
            var uri = new URI(bare);
            if (uri.getHost() == null
                    && uri.getRawAuthority() != null
                    && uri.getRawAuthority().contains(",")) {
                throw new StartupException("database.url names several hosts: name the one that takes writes (a name or"
                        + " an address that moves with it)");
            }
            return uri;
        } catch (URISyntaxException e) {
            // The exception's own text would show the password.
            throw new StartupException("database.url is malformed at character " + (e.getIndex() + 1) + " of "
                    + bare.length() + ": " + FORM + "; special characters in a password are written %XX");
        }
    }

    private static String host(URI uri) {
        var host = uri.getHost();
        if (host == null) {
            throw new StartupException("database.url names no valid host: " + FORM);
        }
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    private static String database(URI uri) {
        var path = decode(Optional.ofNullable(uri.getRawPath()).orElse(""));
        if (path.length() < 2 || path.indexOf('/', 1) > 0) {
            throw new StartupException("database.url names no database: " + FORM);
        }
        return path.substring(1);
    }

    private static Map<String, String> parameters(URI uri) {
        var parameters = new HashMap<String, String>();
        for (var pair : Optional.ofNullable(uri.getRawQuery()).orElse("").split("&")) {
            if (pair.isEmpty()) {
                continue;
            }
            var parts = pair.split("=", 2);
            var name = decode(parts[0]);
            if (!PARAMETERS.contains(name) || parts.length < 2) {
                throw new StartupException("database.url has the parameter '" + name + "': known are "
                        + String.join(", ", PARAMETERS) + ", each as name=value");
            }
            parameters.put(name, decode(parts[1]));
        }
        return parameters;
    }

    private static String first(String... values) {
        for (var value : values) {
            if (!value.isEmpty()) {
                return value;
            }
        }
        return "";
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new StartupException("database.url holds a '%' that begins no %XX: write it as %25");
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
