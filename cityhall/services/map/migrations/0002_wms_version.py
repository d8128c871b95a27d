from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('map', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='outsidemap',
            name='version',
            field=models.CharField(default='1.3.0', max_length=10),
        ),
        migrations.AddField(
            model_name='outsidemap',
            name='format',
            field=models.CharField(default='image/png', max_length=40),
        ),
    ]
