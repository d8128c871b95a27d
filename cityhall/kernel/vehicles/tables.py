"""Making tables that an older version of the program may have made already.

The vehicles' tables were the buses' own before this room was. A city that was set up then has them, one that is set up
now may get them from either room's migrations, whichever come first, and one without buses from this room's only.
"""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations import CreateModel


class CreateUnlessThere(CreateModel):
    """Makes the model's table where there is none of that name. Going back leaves it: its rows are not this room's."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        with schema_editor.connection.cursor() as cursor:
            there = table in schema_editor.connection.introspection.table_names(cursor)
        if not there:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass
