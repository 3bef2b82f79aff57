package dev.orrery.store;

import dev.orrery.domain.StartupException;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/** Brings the schema to the version of this jar: the files in {@code db/migration}, each in one transaction. */
public final class Migrations {

    /** All our tables live in this schema; connections name it as their search path. */
    public static final String SCHEMA = "orrery";

    private Migrations() {}

    /** Migrates; several nodes may do so at once. On failure schema and data are as they were. */
    public static void run(String jdbcUrl, String user, String password) {
        try {
            Flyway.configure()
                    .dataSource(jdbcUrl, user, password)
                    .locations("classpath:db/migration")
                    .schemas(SCHEMA)
                    .defaultSchema(SCHEMA)
                    .initSql("SET lock_timeout = '2s'")
                    .lockRetryCount(120)
                    .load()
                    .migrate();
        } catch (FlywayException e) {
            throw new StartupException("the database could not be migrated: " + e.getMessage(), e);
        }
    }
}
