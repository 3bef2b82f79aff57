package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Postgres;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Every statement that the store holds is one that the server understands. */
class StatementsIT {

    private static final Path CLASSES = Path.of("target/classes/dev/orrery/store");
    private static final Pattern STATEMENT = Pattern.compile("(?s)\\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\\b.*");
    private static final Pattern QUESTION_MARK = Pattern.compile("\\?");

    @Test
    void everyStatementPrepares() throws Exception {
        var statements = statements();
        assertThat(statements)
                .hasSizeGreaterThan(30)
                .containsKeys("DagRepository.PUBLISH_VERSION", "NodeRepository.BEAT");

        var refused = new LinkedHashMap<String, String>();
        try (var database = Postgres.freshDatabase();
                var connection = database.connect();
                var statement = connection.createStatement()) {
            for (var named : statements.entrySet()) {
                try {
                    statement.execute("PREPARE p AS " + numbered(named.getValue()));
                    statement.execute("DEALLOCATE p");
                } catch (SQLException e) {
                    refused.put(named.getKey(), String.valueOf(e.getMessage()));
                }
            }
        }

        assertThat(refused).isEmpty();
    }

    /** The constants that are SQL, by class and name. */
    private static Map<String, String> statements() throws IOException, ReflectiveOperationException {
        var statements = new LinkedHashMap<String, String>();
        try (var files = Files.newDirectoryStream(CLASSES, "*.class")) {
            for (var file : files) {
                var name = file.getFileName().toString().replace(".class", "");
                var type = Class.forName("dev.orrery.store." + name);
                for (var field : type.getDeclaredFields()) {
                    if (field.getType() == String.class && Modifier.isStatic(field.getModifiers())) {
                        field.setAccessible(true);
                        var text = (String) field.get(null);
                        if (STATEMENT.matcher(text).matches()) {
                            statements.put(name + "." + field.getName(), text);
                        }
                    }
                }
            }
        }
        return statements;
    }

    /** JDBC's question marks as the server's numbers. */
    private static String numbered(String sql) {
        var number = new int[1];
        return QUESTION_MARK.matcher(sql).replaceAll(_ -> "\\$" + ++number[0]);
    }
}
