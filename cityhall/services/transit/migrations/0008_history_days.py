"""A day's partition is made and dropped by functions that run as the owner: the program's role makes no tables."""

from django.db import migrations

# The path is set, and what is temporary comes last in it: no caller puts a table of their own in the way.
FUNCTIONS = """
DO $make$ BEGIN EXECUTE format($text$
CREATE FUNCTION transit_history_begin(of_day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = %1$I, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %%I PARTITION OF transit_positionhistory FOR VALUES IN (%%L)',
                   'transit_positionhistory_' || to_char(of_day, 'YYYYMMDD'), of_day);
END $$;
CREATE FUNCTION transit_history_drop(of_day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = %1$I, pg_temp AS $$
BEGIN
    EXECUTE format('DROP TABLE %%I', 'transit_positionhistory_' || to_char(of_day, 'YYYYMMDD'));
END $$;
REVOKE ALL ON FUNCTION transit_history_begin(date), transit_history_drop(date) FROM PUBLIC;
$text$, current_schema()); END $make$;
"""
GONE = "DROP FUNCTION transit_history_begin(date), transit_history_drop(date);"


class Migration(migrations.Migration):
    dependencies = [("transit", "0007_vehicles_move")]
    operations = [migrations.RunSQL(FUNCTIONS, GONE)]
