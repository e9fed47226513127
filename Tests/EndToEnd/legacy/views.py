# Owns what the app does: accounts, orders, an admin's list of users.
# Called through legacy.urls.
# Never knows who is online.
from django.contrib.auth import get_user_model
from rest_framework import generics, permissions, status
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import TokenObtainPairView

from .serializers import UserSerializer


class Login(TokenObtainPairView):
    """`?history=N` adds the last N bytes of an audit trail: a login answer of any size."""

    def post(self, request, *args, **kwargs):
        response = super().post(request, *args, **kwargs)
        history = int(request.query_params.get("history", 0))
        if history:
            response.data["history"] = "h" * history
        return response


class Logout(APIView):
    def post(self, request):
        refresh = request.data.get("refresh")
        if refresh:
            try:
                RefreshToken(refresh).blacklist()
            except TokenError as error:
                return Response({"detail": str(error)}, status.HTTP_400_BAD_REQUEST)
        return Response({"detail": "Logged out."})


class Me(APIView):
    def get(self, request):
        return Response(UserSerializer(request.user).data)


class Orders(APIView):
    def get(self, request):
        return Response([{"id": 7, "customer": request.user.username, "total": "12.50"}])

    def post(self, request):
        order = {"id": 8, "customer": request.user.username, "lines": request.data}
        return Response(order, status.HTTP_201_CREATED)


class Invoices(APIView):
    """Open to staff alone: everybody else is known, and refused."""

    permission_classes = [permissions.IsAdminUser]

    def get(self, request):
        return Response([{"id": 1, "total": "99.00"}])


class AllUsers(generics.ListAPIView):
    """Nothing but a list."""

    serializer_class = UserSerializer
    pagination_class = None
    queryset = get_user_model().objects.order_by("id")


class Tasks(APIView):
    """What somebody wrote for somebody: ids of people within other things."""

    def get(self, request):
        tasks = [
            {"id": 31, "author_id": 2, "assignee": {"id": "3", "username": "bob"}, "done": False},
            {"id": 32, "author_id": 2, "assignee": None, "done": True},
        ]
        return Response({"groups": [{"name": "ward 3", "tasks": tasks}, {"tasks": []}]})


class AdminUsers(generics.ListAPIView):
    permission_classes = [permissions.IsAdminUser]
    serializer_class = UserSerializer
    queryset = get_user_model().objects.order_by("id")
