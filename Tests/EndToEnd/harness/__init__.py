# Owns what the end-to-end tests stand on: processes, clients, a backend that records.
# Called by conftest.py and the tests.
# Never asserts anything about presence.
