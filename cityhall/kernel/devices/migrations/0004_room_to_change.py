from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("devices", "0003_urgent")]

    operations = [
        # Each row is changed once, right after it is written: with room beside it on its page no index need be told.
        migrations.RunSQL(
            "ALTER TABLE devices_urgentmessage SET (fillfactor = 60)",
            "ALTER TABLE devices_urgentmessage RESET (fillfactor)",
        ),
        migrations.RunSQL(
            "ALTER TABLE devices_devicestate SET (fillfactor = 60)",
            "ALTER TABLE devices_devicestate RESET (fillfactor)",
        ),
    ]
