package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a role may do that submits tasks in its own transaction. */
class UserSubmissionRightsIT extends UserSubmissionsTestBase {

    @Test
    void theRoleMayCallTheTwoFunctionsAndNothingElse() throws SQLException {
        assertThat(database.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'orrery'::regnamespace"
                        + " AND relkind IN ('r', 'v', 'S') AND has_table_privilege('" + role
                        + "', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"))
                .isEqualTo("0");
        assertThat(database.value("SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc"
                        + " WHERE pronamespace = 'orrery'::regnamespace AND has_function_privilege('" + role
                        + "', oid, 'EXECUTE')"))
                .isEqualTo("submit_task submit_tasks");
        assertThat(database.value("SELECT has_schema_privilege('" + role + "', 'orrery', 'CREATE')"))
                .isEqualTo("f");
        for (var statement : List.of(
                "SELECT * FROM orrery.task_instances",
                "INSERT INTO orrery.submitters VALUES (1, 'x')",
                "UPDATE orrery.task_ready SET latest_start = now()",
                "DELETE FROM orrery.unique_keys",
                "SELECT * FROM orrery.user_submissions",
                "SELECT orrery.hold_slots(NULL, true)",
                "SELECT orrery.give_submit_rights()",
                "SELECT orrery.submit_checked('[]', 'default', false)")) {
            refused("42501", "", statement);
        }
    }

    @Test
    void theOwnerGivesTheRightsInAnySession() throws SQLException {
        try (var session = database.connect()) {
            execute(session, "SET search_path = public");
            execute(session, "REVOKE EXECUTE ON FUNCTION orrery.submit_tasks(json, text) FROM orrery_submit");

            execute(session, "SELECT orrery.give_submit_rights()");
        }

        value("SELECT count(*) FROM orrery.submit_tasks('[{\"type\": \"handler\", \"handler\": \"noop\"}]')");
    }

    @Test
    void nothingIsEverybodys() {
        assertThat(database.value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'orrery'::regnamespace"
                        + " AND has_function_privilege('public', oid, 'EXECUTE')"))
                .isEqualTo("0");
        assertThat(database.value(
                        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'orrery'::regnamespace AND prosecdef"
                                + " AND NOT 'search_path=orrery, pg_temp' = ANY (proconfig)"))
                .isEqualTo("0");
    }

    @Test
    void objectsOfItsOwnDoNotMislead() throws SQLException {
        execute(program, "CREATE TEMP TABLE tenants (id int, name text, deleted_at timestamptz) ON COMMIT DROP");
        execute(program, "CREATE TEMP TABLE task_instances (id uuid) ON COMMIT DROP");
        execute(program, "SET LOCAL search_path = pg_temp");

        submit("");
        program.commit();

        assertThat(database.value("SELECT count(*) FROM task_instances")).isEqualTo("1");
    }

    @Test
    void aTenantIsForThoseWhoMaySubmitForIt() throws SQLException {
        execute(owner, "INSERT INTO tenants (name) VALUES ('acme'), ('other')");
        refused("42501", "tenant", "SELECT orrery.submit_task(" + NOOP + ", tenant => 'acme')");
        refused("42501", "tenant", "SELECT orrery.submit_task(" + NOOP + ", tenant => 'nobody')");
        refused("42501", "tenant", "SELECT orrery.submit_task(" + NOOP + ", tenant => NULL)");
        execute(
                owner,
                "INSERT INTO submitters (tenant_id, role_name) SELECT id, '" + role
                        + "' FROM tenants WHERE name = 'acme'");

        var id = submit("tenant => 'acme'");
        program.commit();

        assertThat(database.value("SELECT t.name FROM task_instances i JOIN tenants t ON t.id = i.tenant_id"))
                .isEqualTo("acme");
        refused("42501", "tenant", "SELECT orrery.submit_task(" + NOOP + ", tenant => 'other')");
        refused(
                "23503",
                "depends_on",
                "SELECT orrery.submit_task(" + NOOP + ", depends_on => ARRAY['" + id + "'::uuid])");
        refused("23503", "parent", "SELECT orrery.submit_task(" + NOOP + ", parent => '" + id + "')");
        execute(owner, "SELECT hide_tenant('acme')");
        refused("42501", "tenant", "SELECT orrery.submit_task(" + NOOP + ", tenant => 'acme')");
    }

    @Test
    void whereTheEndOfOthersCannotBeSeenNothingWaitsForThem() throws SQLException {
        var first = submit("");
        program.commit();
        program.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);

        refused(
                "0A000",
                "depends_on",
                "SELECT orrery.submit_task(" + NOOP + ", depends_on => ARRAY['" + first + "'::uuid])");

        refused("0A000", "parent", "SELECT orrery.submit_task(" + NOOP + ", parent => '" + first + "')");
        submit("");
        program.commit();
    }
}
