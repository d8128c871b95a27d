"""What is in the journal stays as it is: the database itself refuses to change or remove it.

Only the sealer's three columns may be filled in, once. Whoever owns the database can take the triggers away; that is
what the hash chain is for (`cityhall journal verify`).
"""

from django.db import migrations

PROTECT = """
CREATE FUNCTION journal_protect() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.position IS NULL
       AND (NEW.entry, NEW.id, NEW.stream, NEW.type, NEW.source, NEW.subject, NEW.actor, NEW.time, NEW.transaction)
           IS NOT DISTINCT FROM
           (OLD.entry, OLD.id, OLD.stream, OLD.type, OLD.source, OLD.subject, OLD.actor, OLD.time, OLD.transaction)
       AND NEW.data = OLD.data THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the journal is append-only: % of event % refused',
        lower(TG_OP), CASE WHEN TG_LEVEL = 'ROW' THEN OLD.id::text ELSE '(all)' END
        USING ERRCODE = 'restrict_violation', HINT = 'Append an event that says what is right.';
END $$;
CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE ON journal_entry
    FOR EACH ROW EXECUTE FUNCTION journal_protect();
CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal_entry
    FOR EACH STATEMENT EXECUTE FUNCTION journal_protect();
"""
UNPROTECT = """
DROP TRIGGER journal_no_truncate ON journal_entry;
DROP TRIGGER journal_no_change ON journal_entry;
DROP FUNCTION journal_protect();
"""


class Migration(migrations.Migration):
    dependencies = [("journal", "0001_initial")]
    operations = [migrations.RunSQL(PROTECT, UNPROTECT)]
