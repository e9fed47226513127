# Owns a Django app with session cookies: a JSON login for its scripts, and Django's own forms.
# Called by gunicorn; `python -m apps.django_sessions` makes the tables and fills them.
# Never issues a token, and switches none of Django's protections off.
import json
import os

import django
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.urls import include, path

FORM = """<!doctype html><title>Sign in</title>
<form method="post">{% csrf_token %}{{ form.as_p }}<button>Sign in</button></form>"""

settings.configure(
    SECRET_KEY=os.environ["APP_SECRET"],
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(os.environ["APP_HOME"], "sessions.sqlite3"),
            "OPTIONS": {"timeout": 20},
        }
    },
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [
                    (
                        "django.template.loaders.locmem.Loader",
                        {"registration/login.html": FORM, "registration/logged_out.html": "Bye."},
                    )
                ]
            },
        }
    ],
    LOGIN_REDIRECT_URL="/news/",
    LOGOUT_REDIRECT_URL="/news/",
    # Cheap on purpose: nothing is at stake.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
django.setup()

from django.contrib.auth import authenticate, get_user_model, login, logout  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.middleware.csrf import get_token  # noqa: E402


def facts(user):
    return {"id": user.id, "username": user.username, "is_staff": user.is_staff}


def sign_in(request):
    """GET gives the CSRF cookie to a script that starts; POST signs in."""
    if request.method == "GET":
        get_token(request)
        return HttpResponse(status=204)
    given = json.loads(request.body)
    user = authenticate(request, username=given["username"], password=given["password"])
    if user is None:
        return JsonResponse({"detail": "Wrong name or password."}, status=400)
    login(request, user)
    return JsonResponse(facts(user))


def sign_out(request):
    logout(request)
    return JsonResponse({"detail": "Signed out."})


def me(request):
    if not request.user.is_authenticated:
        return JsonResponse({"detail": "Who are you?"}, status=401)
    return JsonResponse(facts(request.user))


def orders(request):
    if not request.user.is_authenticated:
        return JsonResponse({"detail": "Sign in first."}, status=401)
    return JsonResponse({"orders": [{"id": 7, "customer": request.user.username}]})


def news(request):
    return HttpResponse("Open on Sunday.\n", content_type="text/plain")


urlpatterns = [
    path("api/login/", sign_in),
    path("api/logout/", sign_out),
    path("api/me/", me),
    path("api/orders/", orders),
    path("news/", news),
    path("accounts/", include("django.contrib.auth.urls")),
]
application = get_wsgi_application()

if __name__ == "__main__":
    from apps.people import PEOPLE

    call_command("migrate", interactive=False, verbosity=0)
    for person in PEOPLE:
        get_user_model().objects.create_user(**person)
