# Owns the app's entry.
# Called by gunicorn.
# Never does anything else.
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "legacy.settings")
application = get_wsgi_application()
