import cityhall.kernel.places.point
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0004_fewer_indexes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Meeting',
            fields=[
                ('assignment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='meeting', serialize=False, to='safety.assignment')),
                ('kind', models.CharField(choices=[('sure', 'meets it'), ('likely', 'may meet it'), ('off', 'off its line'), ('behind', 'cannot be before it')], max_length=10)),
                ('line', models.CharField(max_length=100, verbose_name='line')),
                ('stop', models.CharField(blank=True, max_length=200)),
                ('stop_name', models.CharField(blank=True, max_length=300, verbose_name='stop')),
                ('point', cityhall.kernel.places.point.PointField(verbose_name='position')),
                ('bus', cityhall.kernel.places.point.PointField()),
                ('unit_at', models.DateTimeField(null=True)),
                ('bus_at', models.DateTimeField(null=True)),
                ('chance', models.FloatField(default=0.0)),
                ('seen_at', models.DateTimeField()),
                ('beside', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'verbose_name': 'meeting',
                'verbose_name_plural': 'meetings',
            },
        ),
    ]
