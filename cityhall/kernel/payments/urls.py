"""Addresses of bills and payments."""

from django.urls import path

from cityhall.kernel.payments import debit_views, views

urlpatterns = [
    path("", views.listed, name="bills"),
    path("bills/<int:pk>/", views.page, name="bill"),
    path("bills/<int:pk>/pay/", views.pay, name="bill_pay"),
    path("bills/<int:pk>/account/", views.tell_account, name="bill_refund_account"),
    path("bill/<str:secret>/", views.page_by_link, name="bill_by_link"),
    path("bill/<str:secret>/pay/", views.pay_by_link, name="bill_pay_by_link"),
    path("go/<uuid:uid>/", views.go, name="payment_go"),
    path("back/<uuid:uid>/", views.back, name="payment_back"),
    path("direct-debit/", debit_views.mine, name="direct_debits"),
    path("direct-debit/<int:pk>/end/", debit_views.end, name="direct_debit_end"),
    path("bills/<int:pk>/debit/", debit_views.put_on, name="bill_by_debit"),
]
