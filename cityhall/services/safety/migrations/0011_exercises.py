import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('safety', '0010_split'),
    ]

    operations = [
        migrations.CreateModel(
            name='Exercise',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('began_at', models.DateTimeField(verbose_name='began')),
                ('ends_at', models.DateTimeField(verbose_name='ends')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('begun_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who began it')),
                ('units', models.ManyToManyField(related_name='exercises', to='safety.unit', verbose_name='units')),
            ],
            options={
                'verbose_name': 'exercise',
                'verbose_name_plural': 'exercises',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Pretended',
            fields=[
                ('alert', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='pretended', serialize=False, to='safety.alert')),
                ('exercise', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pretended', to='safety.exercise')),
            ],
            options={
                'verbose_name': 'alert of an exercise',
                'verbose_name_plural': 'alerts of an exercise',
            },
        ),
    ]
