package dev.orrery.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The rules for images, each seen broken. */
class DockerfileTest {

    private static final String GOOD = """
            # A comment \\
            FROM eclipse-temurin:25-jre AS java
            FROM debian:12-slim
            RUN apt-get update \\
                # in between
                && apt-get install --yes --no-install-recommends curl \\
                && rm -rf /var/lib/apt/lists/*
            COPY --from=java /opt/java /opt/java
            ENV JAVA_HOME=/opt/java \\
                LANG=C.UTF-8
            USER 10001:10001
            HEALTHCHECK CMD ["true"]
            ENTRYPOINT ["/opt/java/bin/java", "-version"]
            CMD []
            """.replace("CMD []", "CMD [\"node\"]");

    @Test
    void aGoodOneHasNoProblems() {
        var file = Dockerfile.parse(GOOD);

        assertThat(file.problems()).isEmpty();
        assertThat(file.only("USER")).isEqualTo("10001:10001");
        assertThat(file.variables()).containsEntry("LANG", "C.UTF-8").hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    debian:12-slim | debian | has no tag with a version
                    debian:12-slim | debian:latest | has no tag with a version
                    debian:12-slim | debian:stable | has no tag with a version
                    debian:12-slim | debian 12 slim | is not understood
                    --from=java | --from=jdk | names no stage
                    COPY | ADD | take COPY
                    COPY | CPOY | no instruction is called CPOY
                    --no-install-recommends | --quiet | without --no-install-recommends
                    USER 10001:10001 | USER 0 | other than root
                    USER 10001:10001 | USER orrery | by number
                    USER 10001:10001 | EXPOSE 1 | other than root
                    ENTRYPOINT ["/opt/java/bin/java", "-version"] | ENTRYPOINT java -version | would start a shell
                    HEALTHCHECK CMD ["true"] | EXPOSE 1 | HEALTHCHECK is not there once
                    LANG=C.UTF-8 | ORRERY_HTTP_TOKEN=x | a secret
                    """)
    void eachRuleIsSeenBroken(String good, String bad, String problem) {
        var broken = GOOD.replace(good, bad);

        assertThat(broken).isNotEqualTo(GOOD);
        assertThat(Dockerfile.parse(broken).problems())
                .anySatisfy(found -> assertThat(found).contains(problem));
    }
}
