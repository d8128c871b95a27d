import django.db.models.deletion
from django.db import migrations, models

import cityhall.kernel.places.point


class Migration(migrations.Migration):

    dependencies = [
        ('media', '0001_initial'),
        ('safety', '0008_cards'),
        ('vehicles', '0004_trackers'),
    ]

    operations = [
        migrations.CreateModel(
            name='Premise',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('point', cityhall.kernel.places.point.OptionalPointField(null=True, verbose_name='place')),
                ('radius_m', models.PositiveIntegerField(default=50, verbose_name='metres round it')),
                ('sealed', models.BinaryField(verbose_name='notes and cautions')),
                ('until', models.DateField(verbose_name='kept until')),
                ('changed_at', models.DateTimeField(verbose_name='changed')),
                ('button', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='premises', to='safety.button')),
                ('plan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='media.media', verbose_name='floor plan')),
                ('vehicle', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='vehicles.vehicle')),
            ],
            options={
                'verbose_name': 'known place',
                'verbose_name_plural': 'known places',
                'ordering': ['name', 'pk'],
            },
        ),
    ]
