"""What a vehicle does on a network goes into a table of its own, which the service that has the network takes over.

The rows go along: they are old after seconds, but a page that is opened right after an upgrade shows them.
"""

from django.db import migrations

GONE = (
    *('status', 'route', 'direction', 'trip', 'service_day', 'along_m', 'lateral_m', 'lane', 'next_sequence'),
    *('at_stop', 'delay_s', 'occupancy', 'line', 'color'),
)


class Migration(migrations.Migration):

    dependencies = [
        ('vehicles', '0002_kinds'),
    ]

    operations = [
        migrations.RunSQL(
            f"""
            CREATE UNLOGGED TABLE transit_driving (
                vehicle_id bigint NOT NULL PRIMARY KEY,
                status varchar(12) NOT NULL,
                route varchar(200) NOT NULL,
                direction smallint NOT NULL,
                trip varchar(200) NOT NULL,
                service_day date,
                along_m double precision,
                lateral_m double precision,
                lane smallint,
                next_sequence integer,
                at_stop boolean NOT NULL,
                delay_s integer,
                occupancy smallint,
                line varchar(100) NOT NULL,
                color varchar(6) NOT NULL
            ) WITH (fillfactor = 50);
            INSERT INTO transit_driving (vehicle_id, {", ".join(GONE)})
                SELECT vehicle_id, {", ".join(GONE)} FROM transit_vehiclestate;
            ALTER TABLE transit_driving ADD CONSTRAINT transit_driving_vehicle_id_fk FOREIGN KEY (vehicle_id)
                REFERENCES transit_vehiclestate (vehicle_id) DEFERRABLE INITIALLY DEFERRED;
            """,
            "DROP TABLE transit_driving;",
        ),
        *[migrations.RemoveField(model_name='vehiclestate', name=name) for name in GONE],
    ]
