# Owns five more apps such as people already have, one page each.
# Called by gunicorn under the end-to-end tests, as apps.NAME:application.
# Never knows of what stands before it, or that it is under test.
