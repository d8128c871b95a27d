"""Vehicles, receivers and base stations go over to the kernel's room of vehicles; the tables stay as they are."""

import django.db.models.deletion
from django.db import migrations, models

MOVED = ("vehicle", "receiver", "fixinbox", "vehiclestate", "basestation", "stationstate")


def _name_anew(old, new):
    """What the database's content types say (permissions and the administrators' log hang on them) follows."""

    def rename(apps, schema_editor):
        types = apps.get_model("contenttypes", "ContentType")
        there = types.objects.filter(app_label=new, model__in=MOVED).values("model")
        types.objects.filter(app_label=old, model__in=MOVED).exclude(model__in=there).update(app_label=new)

    return rename


class Migration(migrations.Migration):

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('vehicles', '0001_initial'),
        ('transit', '0006_corrections'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='pupil',
                    name='vehicle',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pupils', to='vehicles.vehicle', verbose_name='bus'),
                ),
                migrations.DeleteModel(name='StationState'),
                migrations.DeleteModel(name='BaseStation'),
                migrations.DeleteModel(name='FixInbox'),
                migrations.DeleteModel(name='VehicleState'),
                migrations.DeleteModel(name='Receiver'),
                migrations.DeleteModel(name='Vehicle'),
            ],
        ),
        migrations.RunPython(_name_anew('transit', 'vehicles'), _name_anew('vehicles', 'transit')),
    ]
