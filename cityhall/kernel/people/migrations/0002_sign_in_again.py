from django.db import migrations


def end_sessions(apps, schema_editor):
    """Sessions of before this version may be of addresses that nobody confirmed: everybody signs in once more."""
    apps.get_model("sessions", "Session").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial"), ("sessions", "0001_initial")]

    operations = [migrations.RunPython(end_sessions, migrations.RunPython.noop)]
