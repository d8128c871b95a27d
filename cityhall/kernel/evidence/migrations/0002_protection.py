"""Evidence and its custody stay as they are: the database itself refuses to change or remove a row.

Whoever owns the database can take the triggers away; what was changed then differs from the journal, and from the
files (`cityhall evidence verify`).
"""

from django.db import migrations

PROTECT = """
CREATE FUNCTION evidence_protect() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'evidence is append-only: % of % refused', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Its retention ends by deleting its seal.';
END $$;
CREATE TRIGGER evidence_no_change BEFORE UPDATE OR DELETE ON evidence_evidence
    FOR EACH ROW EXECUTE FUNCTION evidence_protect();
CREATE TRIGGER evidence_no_truncate BEFORE TRUNCATE ON evidence_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_protect();
CREATE TRIGGER custody_no_change BEFORE UPDATE OR DELETE ON evidence_custody
    FOR EACH ROW EXECUTE FUNCTION evidence_protect();
CREATE TRIGGER custody_no_truncate BEFORE TRUNCATE ON evidence_custody
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_protect();
"""
UNPROTECT = """
DROP TRIGGER custody_no_truncate ON evidence_custody;
DROP TRIGGER custody_no_change ON evidence_custody;
DROP TRIGGER evidence_no_truncate ON evidence_evidence;
DROP TRIGGER evidence_no_change ON evidence_evidence;
DROP FUNCTION evidence_protect();
"""


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial")]
    operations = [migrations.RunSQL(PROTECT, UNPROTECT)]
