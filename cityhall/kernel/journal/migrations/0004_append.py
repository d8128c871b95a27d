"""Appending an event from within the database, for a room whose own function writes what the event tells of."""

from django.db import migrations

APPEND = """
CREATE FUNCTION journal_append(
    p_id uuid, p_stream text, p_type text, p_source text, p_subject text, p_actor text, p_time timestamptz, p_data jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal_entry (id, stream, type, source, subject, actor, time, data, transaction)
    VALUES (p_id, p_stream, p_type, p_source, p_subject, p_actor, p_time, p_data, pg_current_xact_id()::text::bigint);
END $$;
"""
UNAPPEND = "DROP FUNCTION journal_append(uuid, text, text, text, text, text, timestamptz, jsonb);"


class Migration(migrations.Migration):
    dependencies = [("journal", "0003_subject")]
    operations = [migrations.RunSQL(APPEND, UNAPPEND)]
