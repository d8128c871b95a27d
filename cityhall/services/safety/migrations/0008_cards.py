from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0007_power_cut'),
    ]

    operations = [
        migrations.CreateModel(
            name='Card',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('panic', 'help'), ('harassment', 'harassment'), ('medical', 'medical'), ('fire', 'fire'), ('unit', 'unit in danger'), ('unknown', 'unknown signal')], max_length=12, unique=True, verbose_name='kind')),
                ('text', models.TextField(verbose_name='questions')),
                ('changed_at', models.DateTimeField(verbose_name='changed')),
            ],
            options={
                'verbose_name': 'question card',
                'verbose_name_plural': 'question cards',
            },
        ),
    ]
