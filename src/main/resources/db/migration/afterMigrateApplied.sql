-- Whatever a migration has brought, everybody may call by default.
SELECT orrery.give_submit_rights();
