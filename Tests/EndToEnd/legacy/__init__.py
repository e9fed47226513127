# Owns a small app such as people already have: Django, REST framework, simplejwt.
# Called by gunicorn under the end-to-end tests, as legacy.wsgi:application.
# Never knows of presence, of the sidecar, or that it is under test.
