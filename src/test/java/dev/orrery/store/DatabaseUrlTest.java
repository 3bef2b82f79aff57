package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.domain.StartupException;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseUrlTest {

    @Test
    void allPartsAreRead() {
        var url = parse("postgresql://ann:p%40ss%2Fword+1@db.example.org:6543/or%20rery"
                + "?sslmode=verify-full&sslrootcert=/etc/ca.pem");

        assertThat(url)
                .isEqualTo(new DatabaseUrl(
                        "db.example.org",
                        6543,
                        "or rery",
                        "ann",
                        "p@ss/word+1",
                        "verify-full",
                        Optional.of("/etc/ca.pem")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "postgresql://u:p@h/d",
                "postgres://u:p@h:5432/d",
                "jdbc:postgresql://u:p@h/d",
                "jdbc:postgresql://h/d?user=u&password=p",
                "postgresql://u:p@h/d?sslmode=prefer",
            })
    void theUsualFormsMeanTheSame(String text) {
        assertThat(parse(text)).isEqualTo(new DatabaseUrl("h", 5432, "d", "u", "p", "prefer", Optional.empty()));
    }

    @Test
    void userAndPasswordMayStandBesideTheUrl() {
        var url = DatabaseUrl.parse(new DatabaseConfig("postgresql://h/d", "ann", "secret", 8, Duration.ofSeconds(1)));

        assertThat(url.user()).isEqualTo("ann");
        assertThat(url.password()).isEqualTo("secret");
    }

    @Test
    void anAddressOfVersionSixKeepsItsBrackets() {
        var url = parse("postgresql://u@[::1]:5433/d");

        assertThat(url.host()).isEqualTo("::1");
        assertThat(url.jdbcUrl()).startsWith("jdbc:postgresql://[::1]:5433/d?");
        assertThat(url.place()).isEqualTo("[::1]:5433/d");
    }

    @Test
    void whatTheJvmTrustsServesWhereNoCertificateIsNamed() {
        assertThat(parse("postgresql://u@h/d?sslmode=verify-full").jdbcUrl())
                .endsWith("?sslmode=verify-full&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory");
        assertThat(parse("postgresql://u@h/d?sslmode=verify-ca&sslrootcert=/a%20b.pem")
                        .jdbcUrl())
                .endsWith("?sslmode=verify-ca&sslrootcert=%2Fa%20b.pem");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "postgresql://u:topsecret@h | names no database",
                "postgresql://u:topsecret@h/ | names no database",
                "postgresql://u:topsecret@h/a/b | names no database",
                "postgresql://h/d | names no user",
                "postgresql:///d | names no valid host",
                "postgresql://u:topsecret@a:1,b:2/d | several hosts",
                "postgresql://u:topsecret@h/d?ssl=true | 'ssl': known are sslmode",
                "postgresql://u:topsecret@h/d?sslmode=on | 'on': it must be one of disable, allow",
                "postgresql://u:topsecret@h/d?sslmode | each as name=value",
                "postgresql://u:topsecret#1@h/d | names no",
                "postgresql://u:top secret@h/d | malformed at character",
                "postgresql://u:topsecret%zz@h/d | malformed at character",
            })
    void aWrongUrlIsRefusedWithTheCureAndWithoutThePassword(String text, String expected) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("database.url")
                .hasMessageContaining(expected)
                .hasMessageNotContainingAny("topsecret", "top secret", "\n");
    }

    private static DatabaseUrl parse(String url) {
        return DatabaseUrl.parse(new DatabaseConfig(url, "", "", 8, Duration.ofSeconds(1)));
    }
}
