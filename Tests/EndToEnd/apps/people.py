# Owns who has an account in these apps.
# Called by each of them when it fills its tables.
# Never holds anything that matters: the password is the name and -pw.
NAMES = ["admin", "alice", "bob", "carol", "dave", "erin", "frank"]
PEOPLE = [
    {"id": number, "username": name, "password": name + "-pw", "is_staff": name == "admin"}
    for number, name in enumerate(NAMES, start=1)
]


def find(username, password):
    """Who that is; None where the password is another."""
    for person in PEOPLE:
        if person["username"] == username and person["password"] == password:
            return {key: person[key] for key in ("id", "username", "is_staff")}
    return None
