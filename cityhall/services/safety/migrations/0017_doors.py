import django.db.models.deletion
from django.db import migrations, models

STATES = [('waiting', 'waiting'), ('sent', 'sent'), ('taken', 'fetched'), ('failed', 'failed')]
KINDS = [('panic', 'help'), ('harassment', 'harassment'), ('medical', 'medical'), ('fire', 'fire'), ('burglary', 'burglary'), ('unit', 'unit in danger'), ('unknown', 'unknown signal')]
DOORS = [('pole', 'street pole'), ('bus', 'bus'), ('taxi', 'taxi'), ('business', 'business'), ('phone', 'telephone'), ('sms', 'text message'), ('alarm', 'alarm company'), ('unit', 'unit')]
OUTCOMES = [('helped', 'helped'), ('nobody', 'nobody there'), ('false', 'false alarm'), ('defect', 'defect of the button'), ('elsewhere', 'given to another service')]


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0004_room_to_change'),
        ('safety', '0016_cameras'),
    ]

    operations = [
        migrations.AlterField(
            model_name='alert',
            name='door',
            field=models.CharField(choices=DOORS, max_length=10, verbose_name='from'),
        ),
        migrations.AlterField(
            model_name='alert',
            name='kind',
            field=models.CharField(choices=KINDS, default='panic', max_length=12, verbose_name='kind'),
        ),
        migrations.AddField(
            model_name='warningfollower',
            name='confirmed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='warningfollower',
            name='phone',
            field=models.CharField(blank=True, db_default='', default='', max_length=30, verbose_name='telephone'),
        ),
        migrations.AddField(
            model_name='warningfollower',
            name='phone_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='warningfollower',
            name='phone_tries',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            name='AlarmCompany',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('callback', models.CharField(blank=True, max_length=1000, verbose_name='call-back address')),
                ('device', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='alarm_company', to='devices.device')),
            ],
            options={
                'verbose_name': 'alarm company',
                'verbose_name_plural': 'alarm companies',
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='CompanyAlarm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=100, verbose_name='number')),
                ('type', models.CharField(blank=True, max_length=200, verbose_name='type')),
                ('account', models.CharField(blank=True, max_length=200, verbose_name='account')),
                ('zone', models.CharField(blank=True, max_length=200, verbose_name='zone')),
                ('station', models.CharField(blank=True, max_length=200, verbose_name='central station')),
                ('details', models.TextField(blank=True, verbose_name='details')),
                ('told_at', models.DateTimeField(null=True)),
                ('by_address', models.BooleanField(default=False)),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='company_alarms', to='safety.alert')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alarms', to='safety.alarmcompany')),
            ],
            options={
                'verbose_name': 'alarm of a company',
                'verbose_name_plural': 'alarms of companies',
                'constraints': [models.UniqueConstraint(fields=('company', 'number'), name='company_alarm_once')],
            },
        ),
        migrations.CreateModel(
            name='CompanyMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=STATES, default='waiting', max_length=10, verbose_name='state')),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('try_at', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('problem', models.CharField(blank=True, max_length=100, verbose_name='problem')),
                ('done_at', models.DateTimeField(null=True, verbose_name='done')),
                ('number', models.CharField(max_length=100, verbose_name='number')),
                ('way', models.CharField(choices=[('in', 'from the company'), ('out', 'to the company')], max_length=3)),
                ('kind', models.CharField(choices=[('Alarm', 'alarm'), ('Cancel', 'called off'), ('Update', 'note'), ('Dispatched', 'unit on its way'), ('Arrived', 'unit there'), ('Closed', 'closed')], max_length=12)),
                ('reason', models.CharField(blank=True, choices=[('no_place', 'no address and no position'), ('too_old', 'too old'), ('no_alarm', 'there is no such alarm'), ('closed', 'the alarm is closed'), ('not_yours', 'only the city may say this')], max_length=12, verbose_name='rejected because')),
                ('text', models.TextField(blank=True, verbose_name='text')),
                ('outcome', models.CharField(blank=True, choices=OUTCOMES, max_length=10, verbose_name='outcome')),
                ('digest', models.BinaryField(max_length=32, null=True)),
                ('alarm', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='safety.companyalarm')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='safety.alarmcompany')),
            ],
            options={
                'verbose_name': 'message of an alarm company',
                'verbose_name_plural': 'messages of alarm companies',
                'ordering': ['pk'],
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['company', 'id'], name='company_message_waiting')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('digest__isnull', False)), fields=('company', 'digest'), name='company_message_once')],
            },
        ),
        migrations.CreateModel(
            name='TextMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=STATES, default='waiting', max_length=10, verbose_name='state')),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('try_at', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0, verbose_name='attempts')),
                ('problem', models.CharField(blank=True, max_length=100, verbose_name='problem')),
                ('done_at', models.DateTimeField(null=True, verbose_name='done')),
                ('kind', models.CharField(choices=[('received', 'call received'), ('reply', 'answer of the desk'), ('confirm', 'code for a number'), ('warning', 'warning')], max_length=10, verbose_name='kind')),
                ('alert', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='texts', to='safety.alert')),
                ('follower', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='safety.warningfollower')),
                ('line', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='safety.line')),
                ('warning', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='safety.warning')),
            ],
            options={
                'verbose_name': 'text message',
                'verbose_name_plural': 'text messages',
                'ordering': ['pk'],
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['try_at'], name='text_message_waiting')],
                'constraints': [models.UniqueConstraint(fields=('warning', 'follower'), name='warned_once'), models.UniqueConstraint(fields=('line', 'alert'), name='line_texted_once')],
            },
        ),
    ]
