package dev.orrery.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a configuration keeps to itself, and whom it keeps out. */
class ConfigSecretsTest extends ConfigTestBase {

    @Test
    void secretsInFilesThatTasksCouldReadAreRefusedWhereTasksAreKeptAway() throws IOException {
        var file = file("database:\n  url: postgresql://db/orrery\n  password: pass-4711\n");
        var confined = new ConfigFlag[] {ConfigFlag.set("tasks.isolation=1"), ConfigFlag.set("tasks.user=someone")};
        var sandbox = new ConfigFlag[] {
            ConfigFlag.set("tasks.isolation=2"), ConfigFlag.set("tasks.folders=" + file.getParent())
        };
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));

        assertThat(problems(Optional.of(file), Map.of(), confined).stream().map(ConfigTestBase::line))
                .containsExactly(file + " this file holds database.password, and with tasks.isolation 1 no task may see"
                        + " that: every account may read it (take the right away: chmod o-r " + file + ")");
        assertThat(problems(Optional.of(file), Map.of(), sandbox).stream().map(ConfigTestBase::line))
                .singleElement()
                .asString()
                .contains("it lies in a folder that tasks see");

        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertThat(load(Optional.of(file), Map.of(), confined)
                        .config()
                        .tasks()
                        .isolation()
                        .level())
                .isEqualTo(1);
    }

    @Test
    void otherUsersNeedAnAccountAndNeverRoot() {
        assertThat(problems(Optional.empty(), Map.of(), ConfigFlag.set("tasks.isolation=1")))
                .singleElement()
                .extracting(Problem::message)
                .asString()
                .contains("set tasks.user");
        assertThat(problems(Optional.empty(), Map.of(), ConfigFlag.set("tasks.user=root")))
                .singleElement()
                .extracting(Problem::message)
                .asString()
                .contains("must not be root");
    }

    @Test
    void listeningBeyondLoopbackNeedsAToken() {
        var problems = problems(Optional.empty(), Map.of("ORRERY_HTTP_HOST", "0.0.0.0"));
        var withToken =
                load(Optional.empty(), Map.of("ORRERY_HTTP_HOST", "0.0.0.0"), ConfigFlag.set("http.token=s3cret"));

        assertThat(problems).singleElement().satisfies(problem -> {
            assertThat(problem.path()).isEqualTo("ORRERY_HTTP_HOST");
            assertThat(problem.message())
                    .isEqualTo("http.host is '0.0.0.0', which other machines may reach: set http.token, which they must"
                            + " then show, or listen on 127.0.0.1");
        });
        assertThat(withToken.config().http().host()).isEqualTo("0.0.0.0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.8.9.1", "localhost", "node.localhost", "::1", "[::1]"})
    void loopbackNeedsNoToken(String host) {
        assertThat(load(Optional.empty(), Map.of(), ConfigFlag.set("http.host=" + host))
                        .config()
                        .http()
                        .host())
                .isEqualTo(host);
    }

    @ParameterizedTest
    @ValueSource(strings = {"::", "10.0.0.1", "127.evil.example.org", "localhost.example.org"})
    void whatOnlyLooksLikeLoopbackNeedsAToken(String host) {
        assertThat(problems(Optional.empty(), Map.of(), ConfigFlag.set("http.host=" + host)))
                .hasSize(1);
    }

    @Test
    void secretsAreNeverShown() {
        var loaded = load(
                Optional.empty(),
                Map.of(
                        "ORRERY_HTTP_TOKEN", "hush-1",
                        "ORRERY_DATABASE_PASSWORD", "hush-2",
                        "ORRERY_TRACING_HEADERS", "x-api-key=hush-6"),
                ConfigFlag.set("database.url=postgresql://ann:hush-3@h:5432/d?password=hush-4&sslmode=require"));
        var refused = problems(
                Optional.empty(), Map.of("ORRERY_HTTP_TOKEN", "hush 1", "ORRERY_DATABASE_URL", "mysql://u:hush-5@h/d"));

        assertThat(loaded.report().toString() + loaded.config() + refused).doesNotContain("hush");
        assertThat(loaded.report().rows())
                .contains(
                        new ConfigReport.Row("http.token", "********", "ORRERY_HTTP_TOKEN"),
                        new ConfigReport.Row("database.password", "********", "ORRERY_DATABASE_PASSWORD"),
                        new ConfigReport.Row(
                                "database.url",
                                "postgresql://ann:********@h:5432/d?password=********&sslmode=require",
                                "--set"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "postgresql://ann@h/d                | postgresql://ann@h/d",
                "postgresql://h:5432/d               | postgresql://h:5432/d",
                "postgresql://ann:s@h/d              | postgresql://ann:********@h/d",
                "jdbc:postgresql://ann:s:t@h:1/d     | jdbc:postgresql://ann:********@h:1/d",
                "postgresql://ann:s@t@h/d            | postgresql://ann:********@h/d",
                "postgresql://ann:s/t@h/d            | postgresql://ann:********@h/d",
                "postgresql://:s@h/d                 | postgresql://:********@h/d",
                "postgresql://h/d?user=a&PassWord=s  | postgresql://h/d?user=a&PassWord=********",
                "a:b@c                               | a:b@c"
            })
    void passwordsInUrlsAreMasked(String url, String shown) {
        assertThat(Secrets.withoutPasswords(url)).isEqualTo(shown);
    }
}
