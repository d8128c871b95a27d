import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import cityhall.kernel.places.point


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("cases", "0003_deadlines"),
        ("devices", "0002_why_off"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Patrol",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("point", cityhall.kernel.places.point.PointField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "device",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="devices.device"
                    ),
                ),
                (
                    "guard",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Pole",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("point", cityhall.kernel.places.point.PointField()),
                (
                    "device",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="devices.device"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Alarm",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to="cases.case"
                    ),
                ),
                ("answered_at", models.DateTimeField(null=True)),
                ("pole", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="lifeguards.pole")),
            ],
        ),
    ]
