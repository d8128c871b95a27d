import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import cityhall.kernel.places.point


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0002_protection'),
        ('safety', '0015_escort_followers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Camera',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('owner', models.CharField(blank=True, max_length=100, verbose_name='whose it is')),
                ('point', cityhall.kernel.places.point.PointField(verbose_name='place')),
                ('heading', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='looks towards')),
                ('view', models.PositiveSmallIntegerField(default=90, verbose_name='sees so wide')),
                ('device_url', models.CharField(blank=True, max_length=500, verbose_name='ONVIF device service')),
                ('snapshot_url', models.CharField(blank=True, max_length=500, verbose_name='address of a picture')),
                ('hls_url', models.CharField(blank=True, max_length=500, verbose_name='HLS playlist')),
                ('rtsp_url', models.CharField(blank=True, max_length=500, verbose_name='RTSP stream')),
                ('login', models.BinaryField(max_length=2000, null=True)),
                ('in_service', models.BooleanField(default=True, verbose_name='in service')),
            ],
            options={
                'verbose_name': 'camera',
                'verbose_name_plural': 'cameras',
                'ordering': ['name', 'pk'],
                'indexes': [django.contrib.postgres.indexes.GistIndex(fields=['point'], name='camera_point')],
            },
        ),
        migrations.CreateModel(
            name='Window',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('running', 'being kept'), ('kept', 'kept'), ('nothing', 'nothing came from the camera')], default='running', max_length=10, verbose_name='state')),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('parts', models.PositiveIntegerField(default=0)),
                ('missed', models.PositiveIntegerField(default=0)),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='windows', to='safety.alert')),
                ('camera', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='windows', to='safety.camera')),
                ('evidence', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='evidence.evidence')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'kept window',
                'verbose_name_plural': 'kept windows',
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('alert', 'camera'), name='window_running')],
            },
        ),
    ]
