"""Trackers are receivers of more protocols. The column holds the same."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vehicles', '0003_only_places'),
    ]

    operations = [
        migrations.AlterField(
            model_name='receiver',
            name='protocol',
            field=models.CharField(
                choices=[
                    ('nmea', 'NMEA 0183'), ('ubx', 'UBX'), ('gt06', 'GT06'), ('suntech', 'Suntech'),
                    ('queclink', 'Queclink'), ('teltonika', 'Teltonika'), ('jt808', 'JT/T 808'),
                    ('watch', 'SeTracker'), ('h02', 'H02'), ('tk103', 'TK103'), ('gotop', 'Gotop'), ('its', 'AIS 140'),
                    ('topin', 'Topin'),
                ],
                default='nmea',
                max_length=10,
            ),
        ),
    ]
