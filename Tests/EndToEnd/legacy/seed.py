# Owns the first people of the app: python -m legacy.seed makes the tables and fills them.
# Called once before gunicorn starts.
# Never runs twice on one database.
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "legacy.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402  (needs the app set up)
from django.core.management import call_command  # noqa: E402

PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank"]

if __name__ == "__main__":
    call_command("migrate", interactive=False, verbosity=0)
    users = get_user_model().objects
    users.create_user("admin", "admin@example.test", "admin-pw", is_staff=True, id=1)
    for number, name in enumerate(PEOPLE, start=2):
        users.create_user(name, name + "@example.test", name + "-pw", id=number)
    # Known, with a token that verifies, and refused by the app all the same.
    users.create_user("dormant", "d@example.test", "dormant-pw", id=99, is_active=False)
