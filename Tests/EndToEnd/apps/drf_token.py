# Owns a REST framework app with the tokens of rest_framework.authtoken, one for each user.
# Called by gunicorn; `python -m apps.drf_token` makes the tables and fills them.
# Never sets a cookie.
import os

import django
from django.conf import settings
from django.urls import path

settings.configure(
    SECRET_KEY=os.environ["APP_SECRET"],
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework.authtoken",
    ],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(os.environ["APP_HOME"], "token.sqlite3"),
            "OPTIONS": {"timeout": 20},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.authtoken.views import ObtainAuthToken  # noqa: E402
from rest_framework.permissions import AllowAny  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


def facts(user):
    return {"id": user.id, "username": user.username, "is_staff": user.is_staff}


class Login(ObtainAuthToken):
    """As the framework's documentation extends its own view."""

    def post(self, request, *args, **kwargs):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = serializer.validated_data["user"]
        token, _ = Token.objects.get_or_create(user=user)
        return Response({"token": token.key, "user": facts(user)})


class Logout(APIView):
    def post(self, request):
        request.auth.delete()
        return Response(status=204)


class Me(APIView):
    def get(self, request):
        return Response(facts(request.user))


class Orders(APIView):
    def get(self, request):
        return Response([{"id": 7, "customer": request.user.username}])


class News(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request):
        return Response({"news": "Open on Sunday."})


urlpatterns = [
    path("api/login/", Login.as_view()),
    path("api/logout/", Logout.as_view()),
    path("api/users/me/", Me.as_view()),
    path("api/orders/", Orders.as_view()),
    path("api/news/", News.as_view()),
]
application = get_wsgi_application()

if __name__ == "__main__":
    from apps.people import PEOPLE

    call_command("migrate", interactive=False, verbosity=0)
    for person in PEOPLE:
        get_user_model().objects.create_user(**person)
